/** Calls that clients make. */
import type { Idempotency, NewCall } from "../../call.ts";
import type { Enqueued, EnqueueOptions } from "../../calls.ts";
import { sql, type Work, withRows } from "../work.ts";
import { insertCalls } from "./insert.ts";
import { liveCalls } from "./totals.ts";

/** Calls of one request. */
export interface Enqueue extends EnqueueOptions {
  readonly calls: readonly NewCall[];
}

/** What an idempotency key belongs to. */
interface Known {
  readonly call: string;
  readonly fingerprint: string;
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
    const earlier = call.idempotency && known.get(nameOf(call.idempotency));
    if (earlier) return repeated(call, earlier);
    const count = live.get(call.queue) ?? 0;
    if (count >= mostLive) return { refused: "full" };
    live.set(call.queue, count + 1);
    accepted.push(call);
    if (call.idempotency) {
      known.set(nameOf(call.idempotency), { call: call.id, fingerprint: call.idempotency.fingerprint });
    }
    return { id: call.id, isNew: true };
  });
  const lost = yield* takeKeys(accepted, asked[0]?.now ?? 0);
  if (lost.size > 0) {
    outcomes = asked.map(({ call }, place) => {
      const earlier = call.idempotency && lost.get(nameOf(call.idempotency));
      return earlier ? repeated(call, earlier) : outcomes[place]!;
    });
  }
  const kept = accepted.filter(({ idempotency }) => !idempotency || !lost.has(nameOf(idempotency)));
  yield* insertCalls(kept, { now: asked[0]?.now ?? 0, shard });
  return outcomes;
}

function repeated({ idempotency }: NewCall, { call, fingerprint }: Known): Enqueued {
  return idempotency?.fingerprint === fingerprint ? { id: call, isNew: false } : { refused: "reused" };
}

function* knownKeys(calls: readonly NewCall[]): Work<Map<string, Known>> {
  const keys = calls.flatMap(({ idempotency }) => (idempotency ? [idempotency] : []));
  if (keys.length === 0) return new Map();
  const rows = yield sql(
    `SELECT scope, "key", call, fingerprint FROM call_keys WHERE scope = ANY($1) AND "key" = ANY($2)`,
    keys.map(({ scope }) => scope),
    keys.map(({ key }) => key),
  );
  return new Map(rows.map((row) => [nameOf(row as unknown as Idempotency), row as unknown as Known]));
}

/** Stores the keys of new calls. Returns those that another transaction stored first. */
function* takeKeys(calls: readonly NewCall[], now: number): Work<Map<string, Known>> {
  const rows = calls
    .flatMap(({ id, idempotency }) => (idempotency ? [{ ...idempotency, id }] : []))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map(({ scope, key, fingerprint, id }) => [scope, key, fingerprint, id, now]);
  // The update changes nothing: without it, the row of another transaction would not be returned.
  const stored = yield* withRows({
    text: `INSERT INTO call_keys VALUES {rows} ON CONFLICT (scope, "key") DO UPDATE SET call = call_keys.call
      RETURNING scope, "key", call, fingerprint`,
    values: [],
    rows,
  });
  const own = new Set(calls.map(({ id }) => id));
  const others = stored.filter((row) => !own.has(row.call as string));
  return new Map(others.map((row) => [nameOf(row as unknown as Idempotency), row as unknown as Known]));
}

/** Both may have any characters. */
function nameOf({ scope, key }: Pick<Idempotency, "scope" | "key">): string {
  return JSON.stringify([scope, key]);
}
