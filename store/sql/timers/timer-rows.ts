/** The next time of each schedule. */
import type { Timer, Timers } from "../../timers.ts";
import { type Row, read, sql, type Work } from "../work.ts";

export function* setTimer({ name, rule, anchor, dueAt, delayMs }: Timer): Work<Timer> {
  yield sql(
    `INSERT INTO timers VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET
       rule = excluded.rule, anchor = excluded.anchor, due_at = excluded.due_at, delay_ms = excluded.delay_ms,
       wake_at = excluded.wake_at
     WHERE timers.rule <> excluded.rule`,
    ...[name, rule, anchor],
    ...timeValues({ dueAt, delayMs }),
  );
  return (yield* getTimer(name))!;
}

export function* getTimer(name: string): Work<Timer | undefined> {
  const [row] = yield read("SELECT * FROM timers WHERE name = $1", name);
  return row && timerOf(row);
}

export function* removeTimer(name: string): Work<void> {
  yield sql("DELETE FROM timers WHERE name = $1", name);
}

export function* dueTimers(now: number, limit: number): Work<Awaited<ReturnType<Timers["due"]>>> {
  const rows = yield read(
    "SELECT * FROM timers WHERE wake_at IS NOT NULL ORDER BY wake_at, name LIMIT $1",
    limit + 1,
  );
  const isDue = (row: Row) => Number(row.wake_at) <= now;
  const due = rows.slice(0, limit).filter(isDue);
  const next = rows[due.length];
  return { timers: due.map(timerOf), nextDueAt: next && Number(next.wake_at) };
}

/** The values of `due_at`, `delay_ms` and `wake_at`. */
export function timeValues({ dueAt, delayMs }: Pick<Timer, "dueAt" | "delayMs">) {
  return [dueAt ?? null, delayMs, dueAt === undefined ? null : dueAt + delayMs] as const;
}

function timerOf(row: Row): Timer {
  return {
    name: row.name as string,
    rule: row.rule as string,
    anchor: Number(row.anchor),
    dueAt: row.due_at === null ? undefined : Number(row.due_at),
    delayMs: Number(row.delay_ms),
  };
}
