/** Calls that clients make. */
import type { NewCall } from "../../call.ts";
import type { Enqueued, EnqueueOptions } from "../../calls.ts";
import type { Work } from "../work.ts";
import { insertCalls } from "./insert.ts";
import { keyName, knownKeys, repeated, takeKeys } from "./keys.ts";
import { liveCalls } from "./totals.ts";

/** Calls of one request. */
export interface Enqueue extends EnqueueOptions {
  readonly calls: readonly NewCall[];
}

/**
 * Stores the calls of several requests. Outcomes are in the order of all their calls. On PostgreSQL, transactions that run at
 * the same time do not see each other's calls, so a queue can get a few more than `mostLive`.
 */
export function* enqueueAll(requests: readonly Enqueue[], shard: number): Work<readonly Enqueued[]> {
  const asked = requests.flatMap(({ calls, mostLive, now }) =>
    calls.map((call) => ({ call, mostLive, now })),
  );
  const known = yield* knownKeys(asked.map(({ call }) => call));
  const live = yield* liveCalls([...new Set(asked.map(({ call }) => call.queue))]);
  const accepted: NewCall[] = [];
  let outcomes = asked.map(({ call, mostLive }): Enqueued => {
    const earlier = call.idempotency && known.get(keyName(call.idempotency));
    if (earlier) return repeated(call, earlier);
    const count = live.get(call.queue) ?? 0;
    if (count >= mostLive) return { refused: "full" };
    live.set(call.queue, count + 1);
    accepted.push(call);
    if (call.idempotency) {
      known.set(keyName(call.idempotency), { call: call.id, fingerprint: call.idempotency.fingerprint });
    }
    return { id: call.id, isNew: true };
  });
  const lost = yield* takeKeys(accepted, asked[0]?.now ?? 0);
  if (lost.size > 0) {
    outcomes = asked.map(({ call }, place) => {
      const earlier = call.idempotency && lost.get(keyName(call.idempotency));
      return earlier ? repeated(call, earlier) : outcomes[place]!;
    });
  }
  const kept = accepted.filter(({ idempotency }) => !idempotency || !lost.has(keyName(idempotency)));
  yield* insertCalls(kept, { now: asked[0]?.now ?? 0, shard });
  return outcomes;
}
