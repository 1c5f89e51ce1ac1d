/** Workers that own leases. */
import type { Attempt } from "../../call.ts";
import type { Beat, HeldCalls, HeldLease, WorkerBeat } from "../../calls.ts";
import { type Row, read, sql, type Value, type Work, withRows } from "../work.ts";
import { attemptsWith } from "./rows.ts";
import { type At, addCounts, Counts } from "./totals.ts";

/** Why an attempt whose worker is gone failed. */
const STOPPED = "The worker that ran this attempt stopped before it had the outcome.";
const NOT_STORED = "What became of this attempt could not be stored.";

const GIVE_BACK = "UPDATE calls SET state = 'ready', owner = NULL, started_at = NULL";
/** A worker that got no answer to a lease for this long will not get it. */
const LOST_LEASE_MS = 60_000;

export function* beatWorker(owner: string, at: At, held?: HeldCalls): Work<Beat> {
  const [row] = yield sql(
    `INSERT INTO call_workers VALUES ($1, $2, 0)
     ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at RETURNING is_lost`,
    owner,
    at.now,
  );
  if (Number(row!.is_lost) === 0) {
    if (!held) return { isHeld: true, givenBack: 0 };
    const failed = yield* failBegun(owner, held.dropped, at);
    const lost = yield* giveBackLost(owner, held.running, at.now);
    return { isHeld: true, givenBack: failed + lost };
  }
  // It drops all that it has: what was not taken away yet would be nobody's.
  const calls = yield* runningOf([owner], undefined);
  yield* failAttempts(calls, STOPPED, at);
  yield sql("UPDATE call_workers SET is_lost = 0 WHERE owner = $1", owner);
  return { isHeld: false, givenBack: calls.length };
}

/** The last beats of workers that have leases. */
export function* workerBeats(): Work<readonly WorkerBeat[]> {
  const rows = yield read(
    `SELECT owner, beat_at FROM call_workers
     WHERE EXISTS (SELECT 1 FROM calls WHERE state = 'running' AND owner = call_workers.owner)`,
  );
  return rows.map((row) => ({ owner: row.owner as string, beatAt: Number(row.beat_at) }));
}

interface Reclaim {
  readonly silent: readonly WorkerBeat[] | "all";
  readonly limit: number;
}

export function* reclaimCalls({ silent, limit }: Reclaim, at: At): Work<number> {
  const beats = new Map((silent === "all" ? yield* workerBeats() : silent).map((b) => [b.owner, b.beatAt]));
  if (beats.size === 0) return 0;
  // A worker that beats at this moment lives.
  const rows = yield sql(
    "SELECT owner, beat_at FROM call_workers WHERE owner = ANY($1) ORDER BY owner FOR UPDATE SKIP LOCKED",
    [...beats.keys()],
  );
  const owners = rows.flatMap((row) => {
    const owner = row.owner as string;
    return Number(row.beat_at) === beats.get(owner) ? [owner] : [];
  });
  if (owners.length === 0) return 0;
  yield sql("UPDATE call_workers SET is_lost = 1 WHERE owner = ANY($1)", owners);
  const calls = yield* runningOf(owners, limit);
  yield* failAttempts(calls, STOPPED, at);
  return calls.length;
}

/** Gives back calls whose lease the worker never got. Returns how many. */
function* giveBackLost(owner: string, running: readonly string[], now: number): Work<number> {
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
  return lost.length;
}

/** Calls of it that did not begin have no attempt more. */
export function* leaveWorker(owner: string, begun: readonly HeldLease[], at: At): Work<void> {
  yield* failBegun(owner, begun, at);
  yield sql(`${GIVE_BACK} WHERE state = 'running' AND owner = $1`, owner);
  yield sql("DELETE FROM call_workers WHERE owner = $1", owner);
}

/** Ends the attempts of calls that ran and whose ends are not stored. Returns how many. */
function* failBegun(owner: string, begun: readonly HeldLease[], at: At): Work<number> {
  if (begun.length === 0) return 0;
  const epochs = new Map(begun.map(({ id, epoch }) => [id, epoch]));
  const running = yield* runningOf([owner], undefined);
  const rows = running.filter(({ id, epoch }) => epochs.get(id as string) === Number(epoch));
  yield* failAttempts(rows, NOT_STORED, at);
  return rows.length;
}

function* runningOf(owners: readonly string[], limit: number | undefined): Work<readonly Row[]> {
  return yield sql(
    `SELECT seq, id, epoch, queue, attempts, attempts_list, started_at FROM calls
     WHERE state = 'running' AND owner = ANY($1) ORDER BY seq
     ${limit === undefined ? "" : `LIMIT ${limit}`} FOR UPDATE`,
    owners,
  );
}

function* failAttempts(calls: readonly Row[], error: string, { now, shard }: At): Work<void> {
  if (calls.length === 0) return;
  const rows = calls.map((row): Value[] => {
    const number = Number(row.attempts) + 1;
    const attempt: Attempt = { number, startedAt: Number(row.started_at), endedAt: now, error };
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
