import { useEffect, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { type TriedAnswer, tryCall } from "../api/try-call.ts";
import { Button, LinkButton } from "../ui/button.tsx";
import { Select, TextField } from "../ui/field.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Badge, durationText, toneOfStatus } from "../ui/values.tsx";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;
type Method = (typeof METHODS)[number];
const WITHOUT_BODY = new Set<Method>(["GET", "HEAD"]);
/** A panel beside the editor shows this much. */
const SHOWN_BYTES = 64 * 1_024;
/** An answer that streams is read for this long. */
const READ_MS = 20_000;

interface Answer extends Omit<TriedAnswer, "body"> {
  readonly text: string;
  readonly isCut: boolean;
}

interface QuickCallProps {
  readonly name: string;
  /** The version that became live here: calls that change nothing are repeated for it. */
  readonly version: number | undefined;
  /** Calls with the key of this page, which the function asks for. */
  readonly withKey: boolean;
}

/** One call of the function beside its code. The page `Try it` has everything else. */
export function QuickCall({ name, version, withKey }: QuickCallProps) {
  const [method, setMethod] = useState<Method>("GET");
  const [path, setPath] = useState("/");
  const [body, setBody] = useState("");
  const [answer, setAnswer] = useState<Answer>();
  const [problem, setProblem] = useState<ApiProblem>();
  const call = async () => {
    setProblem(undefined);
    const asked = path.startsWith("/") ? path : `/${path}`;
    try {
      setAnswer(await callOnce({ method, path: `/fn/${name}${asked}`, body, withKey }));
    } catch (error) {
      setAnswer(undefined);
      setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    if (version !== undefined && answer !== undefined && WITHOUT_BODY.has(method)) void call();
  }, [version]);
  return (
    <section class="code-try" aria-label="Try it">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void call();
        }}
      >
        <div class="code-call">
          <Select label="Method" bare value={method} onChange={setMethod} options={METHODS} />
          <TextField label="Path and query" bare value={path} onChange={setPath} mono />
          <Button type="submit" icon="play" label="Call" />
        </div>
        {WITHOUT_BODY.has(method) ? null : (
          <TextField label="Body" value={body} onChange={setBody} rows={5} mono />
        )}
      </form>
      <ProblemNotice problem={problem} />
      {answer === undefined ? (
        problem === undefined ? (
          <p class="muted">The answer appears here. After a deploy it is read again.</p>
        ) : null
      ) : (
        <Answered answer={answer} />
      )}
      <footer>
        <LinkButton href={`/functions/${name}/try`} small>
          Headers, streams and history
        </LinkButton>
      </footer>
    </section>
  );
}

function Answered({ answer }: { readonly answer: Answer }) {
  const { status, firstByteMs, headers, text, isCut } = answer;
  const type = headers.find(([field]) => field.toLowerCase() === "content-type")?.[1];
  return (
    <>
      <p class="code-status">
        <Badge tone={toneOfStatus(status)}>{status}</Badge>
        <span class="muted">
          {durationText(firstByteMs)}
          {type === undefined ? "" : ` · ${type}`}
        </span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <section class="code-answer" tabIndex={0} aria-label="Body of the answer">
        {text === "" ? <span class="muted">No body</span> : text}
      </section>
      {isCut ? <p class="muted">The answer goes on.</p> : null}
    </>
  );
}

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body: string;
  readonly withKey: boolean;
}

async function callOnce({ method, path, body, withKey }: Call): Promise<Answer> {
  const ending = new AbortController();
  const { body: stream, ...head } = await tryCall({
    ...{ method, path, headers: [], withKey, signal: ending.signal },
    ...(WITHOUT_BODY.has(method) ? {} : { body }),
  });
  const reader = stream.getReader();
  const late = setTimeout(() => void reader.cancel(), READ_MS);
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  let part = await reader.read();
  while (!part.done && bytes < SHOWN_BYTES) {
    bytes += part.value.length;
    text += decoder.decode(part.value, { stream: true });
    part = await reader.read();
  }
  clearTimeout(late);
  if (!part.done) ending.abort();
  return { ...head, text: text + decoder.decode(), isCut: !part.done };
}
