/** What is removed when it is old, in batches that hold no lock for long. */
import { removeOldFirings } from "./timers/fire.ts";
import { removeOldOfTopics } from "./topics/trim.ts";
import { MINUTES_MS } from "./usage.ts";
import { type Statement, sql, type Work } from "./work.ts";

const DAY_MS = 86_400_000;
/** Usage by hour and month, last uses of keys, and the audit log. */
export const HISTORY_DAYS = 400;
/** A source that was silent for this long does not repeat a batch. */
const SOURCES_DAYS = 7;
/** Of each schedule, at most the last 1,000. */
const FIRINGS_DAYS = 30;
const ROWS_AT_ONCE = 1_000;
/** Calls of which it is kept where their time went, for a day. */
export const TRACES_KEPT = 100_000;

/** Removes the oldest batch of each table. Returns whether more is left. */
export function* removeOld(now: Date): Work<boolean> {
  let isMore = yield* removeOldOfTopics(now.getTime());
  isMore = (yield* removeOldFirings(now.getTime() - FIRINGS_DAYS * DAY_MS)) || isMore;
  for (const statement of removals(now.getTime())) isMore = (yield statement).length > 0 || isMore;
  return isMore;
}

/** Each returns a row if it removed something. */
function removals(nowMs: number): Statement[] {
  const history = nowMs - HISTORY_DAYS * DAY_MS;
  return [
    oldest("usage_minutes", "minute", nowMs - MINUTES_MS),
    oldest("usage_durations", "minute", nowMs - MINUTES_MS),
    oldest("usage_wakes", "minute", nowMs - MINUTES_MS),
    oldest("usage_samples", "minute", nowMs - MINUTES_MS),
    removeTraces("at < $1", nowMs - DAY_MS),
    removeTraces("id <= (SELECT MAX(id) FROM call_traces) - $1", TRACES_KEPT),
    oldest("usage_hours", "hour", history),
    oldest("usage_months", "month", history),
    sql("DELETE FROM usage_sources WHERE seen_at < $1 RETURNING 1 AS removed", nowMs - SOURCES_DAYS * DAY_MS),
    sql("DELETE FROM usage_keys WHERE used_at < $1 RETURNING 1 AS removed", history),
    sql(
      `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT ${ROWS_AT_ONCE})
       RETURNING 1 AS removed`,
      history,
    ),
  ];
}

function removeTraces(condition: string, value: number): Statement {
  const some = `SELECT id FROM call_traces WHERE ${condition} ORDER BY id LIMIT ${ROWS_AT_ONCE}`;
  return sql(`DELETE FROM call_traces WHERE id IN (${some}) RETURNING 1 AS removed`, value);
}

/** Removes the rows of one time: the oldest of the table. */
function oldest(table: string, column: string, before: number): Statement {
  const text = `DELETE FROM ${table} WHERE ${column} < $1 AND ${column} = (SELECT MIN(${column}) FROM ${table})
    RETURNING 1 AS removed`;
  return sql(text, before);
}
