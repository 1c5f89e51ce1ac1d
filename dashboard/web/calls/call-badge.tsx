import { Badge } from "../ui/values.tsx";
import { type CallRecord, shownState, TONES } from "./call.ts";

export function CallBadge({ call }: { readonly call: Pick<CallRecord, "state" | "attempts" | "reason"> }) {
  const state = shownState(call);
  return (
    <Badge tone={TONES[state]} {...(call.reason === undefined ? {} : { title: call.reason })}>
      {state}
    </Badge>
  );
}
