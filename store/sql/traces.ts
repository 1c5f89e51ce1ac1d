import type { TracedCall } from "../../platform/usage/exchange.ts";
import { insertAll, read, type Work } from "./work.ts";

/** Where the time of calls went. */
export function* addTraced(traced: readonly TracedCall[]): Work<void> {
  const rows = traced.map((call) => [call.callId, Math.floor(call.atMs), JSON.stringify(call)]);
  yield* insertAll("call_traces (call_id, at, trace)", rows, "");
}

export function* tracedCall(callId: string): Work<TracedCall | undefined> {
  const [row] = yield read("SELECT trace FROM call_traces WHERE call_id = $1 ORDER BY id LIMIT 1", callId);
  return row && (JSON.parse(row.trace as string) as TracedCall);
}
