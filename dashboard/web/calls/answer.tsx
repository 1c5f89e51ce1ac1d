import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { HeaderFields } from "../blocks/header-fields.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Badge, bytesText, toneOfStatus } from "../ui/values.tsx";
import { type CallRecord, hasEnded } from "./call.ts";

/** A longer answer is named, not read. */
const MOST_READ = 1_048_576;

/** What the function answered last. */
export function CallAnswer({ call }: { readonly call: CallRecord }) {
  const { answer } = call;
  if (answer === undefined)
    return <p class="muted">{hasEnded(call) ? "It ended without an answer." : "There is no answer yet."}</p>;
  const type = answer.headers["content-type"];
  return (
    <div class="card stack">
      <p>
        <Badge tone={toneOfStatus(answer.status)}>{answer.status}</Badge>{" "}
        <span class="muted">
          {bytesText(answer.bytes)}
          {answer.isCut ? ", the beginning of a longer one" : ""}
        </span>
      </p>
      <AnswerBody call={call} type={type} bytes={answer.bytes} />
      <HeaderFields fields={answer.headers} />
    </div>
  );
}

interface AnswerBodyProps {
  readonly call: CallRecord;
  readonly type: string | undefined;
  readonly bytes: number;
}

function AnswerBody({ call, type = "", bytes }: AnswerBodyProps) {
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<ApiProblem>();
  const isText = type === "" || /^text\/|json|xml|javascript|x-www-form-urlencoded|yaml/.test(type);
  const isRead = hasEnded(call) && isText && bytes <= MOST_READ;
  useEffect(() => {
    if (!isRead) return undefined;
    const ending = new AbortController();
    api.text(`/call/${call.id}/result`, {}, ending.signal).then(setText, (error: unknown) => {
      if (!ending.signal.aborted) setProblem(asProblem(error));
    });
    return () => ending.abort();
  }, [call.id, call.endedAt, isRead]);
  if (problem !== undefined) return <ProblemNotice problem={problem} />;
  if (!hasEnded(call)) return null;
  if (!isRead)
    return (
      <p class="muted">
        {isText ? "Too long to be shown here" : `Not shown as text (${type})`}: read it with{" "}
        <code>curl …/call/{call.id}/result</code>.
      </p>
    );
  return text === undefined ? (
    <div class="loading">Loading…</div>
  ) : (
    <BodyText label="Body of the answer" text={text} type={type} />
  );
}
