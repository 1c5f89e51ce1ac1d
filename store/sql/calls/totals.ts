/** Counts of every queue since its first call. */
import type { QueueTotals } from "../../calls.ts";
import { read, sql, type Work, withRows } from "../work.ts";
import { DUE_QUEUES } from "./due-queues.ts";

/** When a transaction is, and in which rows it counts. */
export interface At {
  readonly now: number;
  readonly shard: number;
}

export const SHARDS = 16;

export type Counted = "accepted" | "done" | "dead" | "cancelled" | "attempts";

const COUNTED = ["accepted", "done", "dead", "cancelled", "attempts"] as const;

/** Every priority, as rows of VALUES. */
const LEVELS = Array.from({ length: 19 }, (_, place) => `(${place - 9})`).join(", ");

/** What a transaction counts, by queue. */
export class Counts {
  readonly #queues = new Map<string, Record<Counted, number>>();

  add(queue: string, what: Counted, count = 1): this {
    const none = { accepted: 0, done: 0, dead: 0, cancelled: 0, attempts: 0 };
    const counts = this.#queues.get(queue) ?? none;
    counts[what] += count;
    this.#queues.set(queue, counts);
    return this;
  }

  /** Rows of the table, in one order everywhere, so that two transactions lock them in the same order. */
  rows(shard: number): (string | number)[][] {
    return [...this.#queues]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([queue, counts]) => [queue, shard, ...COUNTED.map((what) => counts[what])]);
  }
}

/** Comes late in its transaction: others that count in the same rows wait from here to the commit. */
export function* addCounts(counts: Counts, shard: number): Work<void> {
  const add = COUNTED.map((what) => `${what} = call_totals.${what} + excluded.${what}`).join(", ");
  yield* withRows({
    text: `INSERT INTO call_totals (queue, shard, ${COUNTED.join(", ")}) VALUES {rows}
      ON CONFLICT (queue, shard) DO UPDATE SET ${add}`,
    values: [],
    rows: counts.rows(shard),
  });
}

/** Calls of each queue that live. Those of transactions under way are not among them. */
export function* liveCalls(queues: readonly string[]): Work<Map<string, number>> {
  const rows = yield sql(
    `SELECT queue, SUM(accepted - done - dead - cancelled) AS live FROM call_totals WHERE queue = ANY($1) GROUP BY queue`,
    queues,
  );
  return new Map(rows.map((row) => [row.queue as string, Number(row.live)]));
}

export function* countLive(queues: readonly string[]): Work<number> {
  return [...(yield* liveCalls(queues)).values()].reduce((sum, live) => sum + live, 0);
}

export function* totals(): Work<readonly QueueTotals[]> {
  // Each state has an index of its own. One statement reads one state of the tables.
  const count = (state: string, waiting: 0 | 1) => `SELECT queue, ${waiting} * COUNT(*) AS waiting,
    ${1 - waiting} * COUNT(*) AS running FROM calls WHERE state = '${state}' GROUP BY queue`;
  const counted = [
    ...["ready", "delayed", "blocked"].map((state) => count(state, 1)),
    count("running", 0),
  ].join(" UNION ALL ");
  const rows = yield read(
    `WITH sums AS (
       SELECT queue, SUM(accepted) AS accepted, SUM(done) AS done, SUM(dead) AS dead, SUM(cancelled) AS cancelled,
         SUM(attempts) AS attempts FROM call_totals GROUP BY queue
     ), counts AS (${counted}), live AS (
       SELECT queue, SUM(waiting) AS waiting, SUM(running) AS running FROM counts GROUP BY queue
     ) SELECT sums.*, COALESCE(live.waiting, 0) AS waiting, COALESCE(live.running, 0) AS running
     FROM sums LEFT JOIN live ON live.queue = sums.queue ORDER BY sums.queue`,
  );
  const oldest = yield* oldestDue();
  return rows.map((row) => {
    const oldestDueAt = oldest.get(row.queue as string);
    return {
      queue: row.queue as string,
      accepted: Number(row.accepted),
      waiting: Number(row.waiting),
      running: Number(row.running),
      done: Number(row.done),
      dead: Number(row.dead),
      cancelled: Number(row.cancelled),
      attempts: Number(row.attempts),
      ...(oldestDueAt === undefined ? {} : { oldestDueAt }),
    };
  });
}

/** When the call that is due for longest was due, by queue. Reads the first call of each queue and priority. */
function* oldestDue(): Work<Map<string, number>> {
  const rows = yield read(
    `WITH RECURSIVE ${DUE_QUEUES}, levels(level) AS (VALUES ${LEVELS})
     SELECT queue, MIN(due_at) AS due_at FROM (
       SELECT due.queue, (
         SELECT due_at FROM calls WHERE state = 'ready' AND queue = due.queue AND priority = levels.level
         ORDER BY due_at LIMIT 1
       ) AS due_at FROM due CROSS JOIN levels WHERE due.queue IS NOT NULL
     ) AS firsts WHERE due_at IS NOT NULL GROUP BY queue`,
  );
  return new Map(rows.map((row) => [row.queue as string, Number(row.due_at)]));
}
