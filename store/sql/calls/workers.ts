/** Workers that own leases. */
import type { Attempt } from "../../calls.ts";
import { type Row, sql, type Value, type Work, withRows } from "../work.ts";
import { attemptsWith } from "./rows.ts";
import { type At, addCounts, Counts } from "./totals.ts";

/** Why an attempt whose worker is gone failed. */
const STOPPED = "The worker that ran this attempt stopped before it had the outcome.";

const GIVE_BACK = "UPDATE calls SET state = 'ready', owner = NULL, started_at = NULL";
/** A worker that got no answer to a lease for this long will not get it. */
const LOST_LEASE_MS = 60_000;

/** Returns whether the worker still had all its leases. */
export function* beatWorker(owner: string, at: At, running?: readonly string[]): Work<boolean> {
  const [row] = yield sql(
    `INSERT INTO call_workers VALUES ($1, $2, 0)
     ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at RETURNING is_lost`,
    owner,
    at.now,
  );
  if (Number(row!.is_lost) === 0) {
    if (running) yield* giveBackLost(owner, running, at.now);
    return true;
  }
  // It drops all that it has: what was not taken away yet would be nobody's.
  yield* failAttempts(yield* runningOf([owner], undefined), at);
  yield sql("UPDATE call_workers SET is_lost = 0 WHERE owner = $1", owner);
  return false;
}

export function* reclaimCalls(request: { deadBefore: number; limit: number }, at: At): Work<number> {
  const dead = `SELECT owner FROM call_workers WHERE beat_at < $1
    AND EXISTS (SELECT 1 FROM calls WHERE state = 'running' AND owner = call_workers.owner)`;
  // Read first: most of the time there is none, and a lock is a write.
  if ((yield sql(dead, request.deadBefore)).length === 0) return 0;
  const rows = yield {
    text: `${dead} ORDER BY owner FOR UPDATE SKIP LOCKED`,
    values: [request.deadBefore],
    sqlite: dead,
  };
  const owners = rows.map((row) => row.owner as string);
  yield sql("UPDATE call_workers SET is_lost = 1 WHERE owner = ANY($1)", owners);
  const calls = yield* runningOf(owners, request.limit);
  yield* failAttempts(calls, at);
  return calls.length;
}

/** Gives back calls whose lease the worker never got. */
function* giveBackLost(owner: string, running: readonly string[], now: number): Work<void> {
  const leased = yield sql(
    "SELECT seq, id FROM calls WHERE state = 'running' AND owner = $1 AND started_at < $2",
    owner,
    now - LOST_LEASE_MS,
  );
  const known = new Set(running);
  const lost = leased.filter(({ id }) => !known.has(id as string)).map(({ seq }) => Number(seq));
  if (lost.length > 0) {
    yield sql(`${GIVE_BACK} WHERE state = 'running' AND owner = $1 AND seq = ANY($2)`, owner, lost);
  }
}

/** Its calls did not begin, so they have no attempt more. */
export function* leaveWorker(owner: string): Work<void> {
  yield sql(`${GIVE_BACK} WHERE state = 'running' AND owner = $1`, owner);
  yield sql("DELETE FROM call_workers WHERE owner = $1", owner);
}

function* runningOf(owners: readonly string[], limit: number | undefined): Work<readonly Row[]> {
  const select = `SELECT seq, queue, attempts, attempts_list, started_at FROM calls
    WHERE state = 'running' AND owner = ANY($1) ORDER BY seq${limit === undefined ? "" : ` LIMIT ${limit}`}`;
  return yield { text: `${select} FOR UPDATE`, values: [owners], sqlite: select };
}

function* failAttempts(calls: readonly Row[], { now, shard }: At): Work<void> {
  const rows = calls.map((row): Value[] => {
    const number = Number(row.attempts) + 1;
    const attempt: Attempt = { number, startedAt: Number(row.started_at), endedAt: now, error: STOPPED };
    return [Number(row.seq), attemptsWith(row, attempt)];
  });
  yield* withRows({
    text: `UPDATE calls SET state = 'ready', owner = NULL, started_at = NULL, attempts = attempts + 1,
        round_attempts = round_attempts + 1, attempts_list = v.column2
      FROM (VALUES {rows}) AS v WHERE calls.seq = v.column1`,
    values: [],
    rows,
    types: ["bigint", "text"],
  });
  const counts = new Counts();
  for (const { queue } of calls) counts.add(queue as string, "attempts");
  yield* addCounts(counts, shard);
}
