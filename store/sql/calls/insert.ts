/** New calls. */
import type { NewCall } from "../../call.ts";
import { keepBodies } from "../bodies/refs.ts";
import { insertAll, type Value, type Work } from "../work.ts";
import { busyKeys, holdKeys, nameOf, type OrderKey } from "./order.ts";
import { newValues, SHARED_COLUMNS } from "./rows.ts";
import { type At, addCounts, Counts } from "./totals.ts";

/** Stores calls in the transaction of something else. Their `idempotency` is ignored. */
export function* insertCalls(calls: readonly NewCall[], { now, shard }: At): Work<void> {
  if (calls.length === 0) return;
  yield* keepBodies(calls.map(({ request }) => request.body));
  const keyed = calls.filter(({ orderKey }) => orderKey !== "");
  yield* holdKeys(keyed);
  const states = yield* statesOf(calls, now);
  const rows = calls.map((call, place): Value[] => [states[place]!, ...newValues(call)]);
  yield* insertAll(`calls (state, ${SHARED_COLUMNS})`, rows, "");
  const counts = new Counts();
  for (const { queue } of calls) counts.add(queue, "accepted");
  yield* addCounts(counts, shard);
}

/** The state in which each call begins. The keys are held. */
export function* statesOf(
  calls: readonly (OrderKey & { readonly dueAt: number })[],
  now: number,
): Work<("ready" | "delayed" | "blocked")[]> {
  const busy = yield* busyKeys(calls.filter(({ orderKey }) => orderKey !== ""));
  return calls.map((call) => {
    if (call.orderKey !== "") {
      const name = nameOf(call);
      if (busy.has(name)) return "blocked";
      busy.add(name);
    }
    return call.dueAt <= now ? "ready" : "delayed";
  });
}
