/** What became of calls. */
import type { CallHead, CallRecord } from "../../call.ts";
import type { CallFilter, CallQuery } from "../../calls.ts";
import { dropBodyIds } from "../bodies/refs.ts";
import { bodyOf } from "../body-columns.ts";
import { type Parameter, type Row, read, sql, type Work } from "../work.ts";
import { conditionOf, statesIn } from "./filter.ts";
import { dropKeys } from "./keys.ts";
import { endedRecordOf, HEAD_COLUMNS, liveRecordOf, onceOf, sizeOf } from "./rows.ts";
import { addCounts, Counts } from "./totals.ts";

const REMOVED_AT_ONCE = 500;

/** In the order in which they are read. */
const TABLES = [
  ["calls", liveRecordOf],
  ["ended_calls", endedRecordOf],
] as const;

export function getCall(id: string): Work<CallRecord | undefined> {
  return find(id, { calls: "*", ended_calls: "*" }, bodyOf);
}

/** As `getCall`, without bodies. */
export function headOfCall(id: string): Work<CallHead | undefined> {
  return find(id, HEAD_COLUMNS, sizeOf);
}

function* find<Body>(
  id: string,
  columns: Readonly<Record<"calls" | "ended_calls", string>>,
  readBody: (row: Row) => Body,
): Work<CallRecord<Body> | undefined> {
  const findEnded = read(`SELECT ${columns.ended_calls} FROM ended_calls WHERE id = $1`, id);
  const [ended] = yield findEnded;
  if (ended) return endedRecordOf(ended, readBody);
  const [live] = yield read(`SELECT ${columns.calls} FROM calls WHERE id = $1`, id);
  if (live) return liveRecordOf(live, readBody);
  // It may have ended between the two.
  const [late] = yield findEnded;
  return late && endedRecordOf(late, readBody);
}

/** Newest first. */
export function* listCalls(query: CallQuery): Work<readonly CallHead[]> {
  const records = new Map<string, CallHead>();
  for (const [table, recordOf] of TABLES) {
    if (statesIn(table, query).length === 0) continue;
    const values: Parameter[] = [];
    const where = conditionOf(table, query, values);
    const columns = HEAD_COLUMNS[table];
    const text = `SELECT ${columns} FROM ${table} WHERE ${where} ORDER BY id DESC LIMIT $${values.push(query.limit)}`;
    // The record of a call that ended between the two replaces what it was before.
    for (const row of yield read(text, ...values)) records.set(row.id as string, recordOf(row, sizeOf));
  }
  return [...records.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
}

/** Removes records. Returns how many. */
export function* purgeCalls(query: CallFilter, limit: number, shard: number): Work<number> {
  if (statesIn("ended_calls", query).length === 0) return 0;
  const values: Parameter[] = [];
  const where = conditionOf("ended_calls", query, values);
  return yield* remove(`${where} ORDER BY id LIMIT $${values.push(limit)}`, values, shard);
}

/** Removes a batch of what ended before `before`. Returns whether more is left. */
export function* removeOldCalls(before: number, shard: number): Work<boolean> {
  const records = yield* remove(`ended_at < $1 ORDER BY ended_at LIMIT ${REMOVED_AT_ONCE}`, [before], shard);
  const keys = yield sql(
    `DELETE FROM call_keys WHERE (scope, "key") IN (
       SELECT scope, "key" FROM call_keys WHERE at < $1 ORDER BY at LIMIT ${REMOVED_AT_ONCE}
     ) RETURNING 1 AS removed`,
    before,
  );
  yield sql(
    `DELETE FROM call_workers WHERE beat_at < $1
       AND NOT EXISTS (SELECT 1 FROM calls WHERE state = 'running' AND owner = call_workers.owner)`,
    before,
  );
  return records === REMOVED_AT_ONCE || keys.length === REMOVED_AT_ONCE;
}

function* remove(which: string, values: readonly Parameter[], shard: number): Work<number> {
  const rows = yield {
    text: `DELETE FROM ended_calls WHERE id IN (SELECT id FROM ended_calls WHERE ${which})
      RETURNING id, queue, state, spec, body_id, answer_body_id`,
    values,
  };
  yield* dropKeys(
    rows.flatMap((row) => {
      const once = onceOf(row);
      return once ? [{ id: row.id as string, once }] : [];
    }),
  );
  yield* dropBodyIds(rows.flatMap((row) => [row.body_id, row.answer_body_id]));
  // A dead call that is not there any more was given up.
  const counts = new Counts();
  for (const { queue, state } of rows) {
    if (state === "dead") counts.add(queue as string, "dead", -1).add(queue as string, "cancelled");
  }
  yield* addCounts(counts, shard);
  return rows.length;
}
