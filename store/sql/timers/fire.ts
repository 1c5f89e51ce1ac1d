/** Firings: each happens once. */
import type { Fire, Firing, NewFiring } from "../../timers.ts";
import { insertCalls } from "../calls/insert.ts";
import { insertEvents } from "../topics/publish.ts";
import { type Row, read, sql, type Work } from "../work.ts";
import { timeValues } from "./timer-rows.ts";

/** Most firings of a timer that are kept. */
const KEPT = 1_000;
const ROWS_AT_ONCE = 1_000;

/** @param shard where the program counts (calls/totals.ts) */
export function* fire({ name, dueAt, next, firings, now }: Fire, shard: number): Work<boolean> {
  const moved = yield sql(
    `UPDATE timers SET due_at = $3, delay_ms = $4, wake_at = $5 WHERE name = $1 AND due_at = $2 RETURNING name`,
    name,
    dueAt,
    ...timeValues(next),
  );
  if (moved.length === 0) return false;
  const fired: NewFiring[] = [];
  for (const firing of firings) {
    const outcome = firing.outcome ?? ((yield* mustSkip(firing, fired)) ? "skipped" : "fired");
    const isNew = yield* record({ name, firing, outcome, now });
    if (isNew && outcome === "fired") fired.push(firing);
  }
  yield* insertCalls(
    fired.flatMap(({ call }) => call ?? []),
    { now, shard },
  );
  // Topics are locked last everywhere.
  yield* insertEvents(
    fired.flatMap(({ event }) => event ?? []),
    now,
  );
  yield sql(
    `DELETE FROM firings WHERE name = $1 AND at <=
       (SELECT at FROM firings WHERE name = $1 ORDER BY at DESC LIMIT 1 OFFSET ${KEPT})`,
    name,
  );
  return true;
}

interface Recorded extends Pick<Firing, "outcome"> {
  readonly name: string;
  readonly firing: NewFiring;
  readonly now: number;
}

/**
 * Returns false for a time that was fired or skipped before: a timer that was removed and set again may come to it twice,
 * and so may a timer that a wrong clock moved. A time that was only missed can still fire.
 */
function* record({ name, firing, outcome, now }: Recorded): Work<boolean> {
  const { at, call, event } = outcome === "fired" ? firing : { at: firing.at };
  const added = yield sql(
    `INSERT INTO firings VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name, at) DO UPDATE
       SET fired_at = excluded.fired_at, outcome = excluded.outcome, "call" = excluded."call", event = excluded.event
       WHERE firings.outcome = 'missed'
     RETURNING at`,
    ...[name, at, now, outcome],
    call?.id ?? null,
    event?.id ?? null,
  );
  return added.length > 0;
}

function* mustSkip({ unlessLive, call }: NewFiring, fired: readonly NewFiring[]): Work<boolean> {
  if (!unlessLive || call?.origin.kind !== "schedule") return false;
  if (fired.some((earlier) => earlier.call !== undefined)) return true;
  const live = yield sql(
    `SELECT id FROM calls WHERE origin_kind = 'schedule' AND origin_name = $1 AND origin_name <> '' LIMIT 1`,
    call.origin.name,
  );
  return live.length > 0;
}

export function* listFirings(
  name: string,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
): Work<readonly Firing[]> {
  const rows = yield read(
    "SELECT * FROM firings WHERE name = $1 AND at < $2 ORDER BY at DESC LIMIT $3",
    name,
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  );
  return rows.map(firingOf);
}

function firingOf(row: Row): Firing {
  return {
    at: Number(row.at),
    firedAt: Number(row.fired_at),
    outcome: row.outcome as Firing["outcome"],
    ...(row.call !== null && { call: row.call as string }),
    ...(row.event !== null && { event: row.event as string }),
  };
}

export function* removeOldFirings(before: number): Work<boolean> {
  const removed = yield sql(
    `DELETE FROM firings WHERE (name, at) IN
       (SELECT name, at FROM firings WHERE fired_at < $1 ORDER BY fired_at LIMIT ${ROWS_AT_ONCE})
     RETURNING 1 AS removed`,
    before,
  );
  return removed.length === ROWS_AT_ONCE;
}
