/** Counts of every queue since its first call. */
import type { QueueTotals } from "../../calls.ts";
import { sql, type Work, withRows } from "../work.ts";
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

  add(queue: string, what: Counted, count = 1): void {
    const none = { accepted: 0, done: 0, dead: 0, cancelled: 0, attempts: 0 };
    const counts = this.#queues.get(queue) ?? none;
    counts[what] += count;
    this.#queues.set(queue, counts);
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

export function* totals(): Work<readonly QueueTotals[]> {
  // In one statement, which reads one state of the tables.
  const rows = yield sql(
    `WITH sums AS (
       SELECT queue, SUM(accepted) AS accepted, SUM(done) AS done, SUM(dead) AS dead, SUM(cancelled) AS cancelled,
         SUM(attempts) AS attempts FROM call_totals GROUP BY queue
     ), under_way AS (SELECT queue, COUNT(*) AS running FROM calls WHERE state = 'running' GROUP BY queue)
     SELECT sums.*, COALESCE(under_way.running, 0) AS running
     FROM sums LEFT JOIN under_way ON under_way.queue = sums.queue ORDER BY sums.queue`,
  );
  const oldest = yield* oldestDue();
  return rows.map((row) => {
    const queue = row.queue as string;
    const [accepted, done, dead, cancelled, running, attempts] = [
      Number(row.accepted),
      Number(row.done),
      Number(row.dead),
      Number(row.cancelled),
      Number(row.running),
      Number(row.attempts),
    ] as const;
    const waiting = accepted - done - dead - cancelled - running;
    const counts = { queue, accepted, waiting, running, done, dead, cancelled, attempts };
    const oldestDueAt = oldest.get(queue);
    return oldestDueAt === undefined ? counts : { ...counts, oldestDueAt };
  });
}

/** When the call that is due for longest was due, by queue: of each queue and priority the first one is looked at. */
function* oldestDue(): Work<Map<string, number>> {
  const rows = yield sql(
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
