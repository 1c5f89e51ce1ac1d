import { Link } from "wouter";
import { Copy } from "../../ui/copy.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Badge, durationText, toneOfStatus } from "../../ui/values.tsx";
import { AsyncCall } from "./async-call.tsx";
import { BodyView } from "./body-view.tsx";
import { Timing } from "./timing.tsx";
import { type Answer, type Call, headerOf } from "./use-call.ts";

export interface AnswerViewProps {
  readonly name: string;
  readonly call: Call | undefined;
  readonly wasAsync: boolean;
}

/** What came of the last request. */
export function AnswerView({ name, call, wasAsync }: AnswerViewProps) {
  if (call === undefined)
    return (
      <div class="try-nothing muted">
        <p>Send the request to see the answer here.</p>
        <p>
          <kbd>Ctrl Enter</kbd> sends from every field.
        </p>
      </div>
    );
  if (call.problem !== undefined) return <ProblemNotice problem={call.problem} />;
  if (call.wasCancelled) return <Notice>You cancelled the call before an answer came.</Notice>;
  if (call.answer === undefined) return <div class="loading">Waiting for the first byte…</div>;
  return <Answered name={name} answer={call.answer} wasAsync={wasAsync} />;
}

function Answered({ name, answer, wasAsync }: { name: string; answer: Answer; wasAsync: boolean }) {
  const { status, headers, totalMs, firstByteMs, body, whole, end } = answer;
  const type = headerOf(headers, "content-type");
  const accepted = wasAsync && status === 202 ? acceptedId(answer) : undefined;
  return (
    <div class="stack">
      <div class="answer-head" role="status">
        <Badge tone={toneOfStatus(status)}>{status}</Badge>
        <span class="number" title="From the request to the last byte">
          {durationText(totalMs)}
          {end === undefined ? "…" : ""}
        </span>
        {end === "cancelled" ? <Badge>cancelled</Badge> : null}
        {accepted === undefined ? (
          <CallLinks name={name} callId={headerOf(headers, "x-skiff-call-id")} status={status} />
        ) : null}
      </div>
      {end === "broken" ? (
        <Notice kind="bad" title="The answer broke off">
          The function or its instance ended before the last byte. The part that arrived is below.
        </Notice>
      ) : null}
      <Effects answer={answer} />
      {accepted === undefined ? (
        <BodyView
          {...{ body, type }}
          isComplete={end !== undefined}
          whole={() => whole.blob()}
          fileName={`${name}-answer`}
        />
      ) : (
        <AsyncCall id={accepted} />
      )}
      <Timing {...{ firstByteMs, totalMs, serverTiming: headerOf(headers, "server-timing") }} />
      <details open>
        <summary>
          Headers <span class="muted">{headers.length}</span>
        </summary>
        <Headers answer={answer} />
      </details>
    </div>
  );
}

function CallLinks({ name, callId, status }: { name: string; callId: string | undefined; status: number }) {
  if (callId === undefined) return null;
  return (
    <span class="call-links">
      <Link href={`/trace/${callId}?function=${name}`}>{status >= 500 ? "What went wrong" : "Trace"}</Link>
      <Link href={`/functions/${name}/logs?call=${callId}`}>Logs</Link>
      <span class="muted mono" title="Call id">
        {callId.slice(0, 8)}
        <Copy text={callId} />
      </span>
    </span>
  );
}

/** What a browser would have done. Here the fields are data. */
function Effects({ answer: { status, headers } }: { readonly answer: Answer }) {
  const location = status >= 300 && status < 400 ? headerOf(headers, "location") : undefined;
  const cookies = headers.filter(([field]) => field.toLowerCase() === "set-cookie").length;
  return (
    <>
      {location === undefined ? null : (
        <Notice>
          A redirect to <code>{location}</code>, which was not followed.
        </Notice>
      )}
      {cookies === 0 ? null : (
        <Notice>
          {cookies === 1 ? "A cookie was" : `${cookies} cookies were`} sent, and not stored in this browser.
        </Notice>
      )}
    </>
  );
}

function Headers({ answer: { headers } }: { readonly answer: Answer }) {
  return (
    <dl class="try-headers">
      {headers.map(([field, value], index) => (
        <div key={index}>
          <dt>{field.toLowerCase()}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The id of the record of an asynchronous call, from the address that its answer names. */
function acceptedId({ headers }: Answer): string | undefined {
  return /\/call\/([0-9a-f]{32})$/.exec(headerOf(headers, "location") ?? "")?.[1];
}
