import { useEffect, useState } from "preact/hooks";
import { type Answer, type Call, headerOf, useCall } from "../try/answer/use-call.ts";
import { Button, LinkButton } from "../ui/button.tsx";
import { Select, TextField } from "../ui/field.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Badge, durationText, toneOfStatus } from "../ui/values.tsx";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;
type Method = (typeof METHODS)[number];
const WITHOUT_BODY = new Set<Method>(["GET", "HEAD"]);
/** A panel beside the editor shows this much. */
const SHOWN_BYTES = 64 * 1_024;

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
  const { call, send, cancel } = useCall();
  const isUnderWay = call?.isUnderWay ?? false;
  const press = () => {
    const asked = path.startsWith("/") ? path : `/${path}`;
    const request = { method, path: `/fn/${name}${asked}`, headers: [], withKey };
    return send(WITHOUT_BODY.has(method) ? request : { ...request, body });
  };
  useEffect(() => {
    if (version !== undefined && call?.answer !== undefined && WITHOUT_BODY.has(method)) void press();
  }, [version]);
  return (
    <section class="code-try" aria-label="Try it">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isUnderWay) void press();
        }}
      >
        <div class="code-call">
          <Select label="Method" bare value={method} onChange={setMethod} options={METHODS} />
          <TextField label="Path and query" bare value={path} onChange={setPath} mono />
          {/* Two elements: one that became a submit button under the click would send the call again. */}
          {isUnderWay ? (
            <Button key="cancel" icon="stop" label="Cancel the call" onClick={cancel} />
          ) : (
            <Button key="call" type="submit" icon="play" label="Call" />
          )}
        </div>
        {WITHOUT_BODY.has(method) ? null : (
          <TextField label="Body" value={body} onChange={setBody} rows={5} mono />
        )}
      </form>
      <Outcome call={call} />
      <footer>
        <LinkButton href={`/functions/${name}/try`} small>
          Headers, streams and history
        </LinkButton>
      </footer>
    </section>
  );
}

function Outcome({ call }: { readonly call: Call | undefined }) {
  if (call === undefined)
    return <p class="muted">The answer appears here. After a deploy, a GET or HEAD call is repeated.</p>;
  if (call.problem !== undefined) return <ProblemNotice problem={call.problem} />;
  if (call.wasCancelled) return <p class="muted">You cancelled the call before an answer came.</p>;
  if (call.answer === undefined) return <div class="loading">Waiting for the first byte…</div>;
  return <Answered answer={call.answer} />;
}

const ENDS = { complete: "", cancelled: "You cancelled the rest.", broken: "The answer broke off here." };

function Answered({ answer }: { readonly answer: Answer }) {
  const { status, firstByteMs, headers, body, end } = answer;
  const type = headerOf(headers, "content-type");
  const isCut = body.bytes > SHOWN_BYTES;
  const text = new TextDecoder().decode(body.shown.subarray(0, SHOWN_BYTES), { stream: isCut });
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
        {text === "" && end !== undefined ? <span class="muted">No body</span> : text}
      </section>
      <p class="muted">{end === undefined ? "More comes…" : isCut ? "The answer goes on." : ENDS[end]}</p>
    </>
  );
}
