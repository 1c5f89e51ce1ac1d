import { HeaderFields } from "../blocks/header-fields.tsx";
import { Badge, bytesText, toneOfStatus } from "../ui/values.tsx";
import { type CallRecord, hasEnded } from "./call.ts";
import { CallResult } from "./call-result.tsx";

/** What the function answered last. */
export function CallAnswer({ call }: { readonly call: CallRecord }) {
  const { answer } = call;
  if (answer === undefined)
    return <p class="muted">{hasEnded(call) ? "It ended without an answer." : "There is no answer yet."}</p>;
  return (
    <div class="card stack">
      <p>
        <Badge tone={toneOfStatus(answer.status)}>{answer.status}</Badge>{" "}
        <span class="muted">
          {bytesText(answer.bytes)}
          {answer.isCut ? ", the beginning of a longer one" : ""}
        </span>
      </p>
      {hasEnded(call) ? <CallResult key={call.endedAt} id={call.id} /> : null}
      <HeaderFields fields={answer.headers} />
    </div>
  );
}
