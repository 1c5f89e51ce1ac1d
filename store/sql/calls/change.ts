/** What people do to calls: cancel them, and make dead ones wait again. */
import type { CallState } from "../../call.ts";
import type { CallFilter, Cancelled } from "../../calls.ts";
import { dropBodyIds } from "../bodies/refs.ts";
import { type Parameter, type Row, sql, type Value, type Work, withRows } from "../work.ts";
import { conditionOf } from "./filter.ts";
import { statesOf } from "./insert.ts";
import { holdKeys, keysOfRows, releaseKeys } from "./order.ts";
import { SHARED_COLUMNS, sharedColumns } from "./rows.ts";
import { type At, addCounts, Counts } from "./totals.ts";

/** Returns the state that the call has now. */
export function* cancelCall(id: string, at: At): Work<CallState | undefined> {
  const { count } = yield* cancelCalls({ id }, 1, at);
  if (count > 0) return "cancelled";
  const [live] = yield sql("SELECT state FROM calls WHERE id = $1", id);
  if (live) return live.state === "running" ? "running" : "waiting";
  const [ended] = yield sql("SELECT state FROM ended_calls WHERE id = $1", id);
  return ended?.state as CallState | undefined;
}

/** Ends waiting calls. */
export function* cancelCalls(query: CallFilter, limit: number, at: At): Work<Cancelled> {
  const values: Parameter[] = [];
  const where = conditionOf("calls", { ...query, states: ["waiting"] }, values);
  const order = `ORDER BY seq LIMIT $${values.push(limit)}`;
  // The keys first, as everywhere: whoever holds one may be about to let one of these calls go.
  const found = yield { text: `SELECT seq, queue, order_key FROM calls WHERE ${where} ${order}`, values };
  if (found.length === 0) return { count: 0, isMore: false };
  const keys = keysOfRows(found);
  yield* holdKeys(keys);
  // What a worker leased meanwhile is not waiting any more.
  const rows = yield sql(
    `SELECT seq, queue, keeps_record, body_id FROM calls
     WHERE state IN ('ready', 'delayed', 'blocked') AND seq = ANY($1) ORDER BY seq FOR UPDATE`,
    seqsOf(found),
  );
  const kept = rows.filter((row) => Number(row.keeps_record) === 1);
  yield sql(
    `INSERT INTO ended_calls (${SHARED_COLUMNS}, state, ended_at)
     SELECT ${SHARED_COLUMNS}, 'cancelled', $1 FROM calls WHERE seq = ANY($2)`,
    at.now,
    seqsOf(kept),
  );
  yield sql("DELETE FROM calls WHERE seq = ANY($1)", seqsOf(rows));
  const unkept = rows.filter((row) => Number(row.keeps_record) !== 1);
  yield* dropBodyIds(unkept.map(({ body_id }) => body_id));
  yield* releaseKeys(keys, at.now);
  const counts = new Counts();
  for (const { queue } of rows) counts.add(queue as string, "cancelled");
  yield* addCounts(counts, at.shard);
  return { count: rows.length, isMore: found.length === limit };
}

/** Makes dead calls wait again, oldest first. Returns their ids. */
export function* retryCalls(query: CallFilter, limit: number, at: At): Work<readonly string[]> {
  const values: Parameter[] = [];
  const where = conditionOf("ended_calls", { ...query, states: ["dead"] }, values);
  const text = `SELECT id, queue, order_key, answer_body_id FROM ended_calls WHERE ${where}
    ORDER BY id LIMIT $${values.push(limit)} FOR UPDATE`;
  const rows = yield { text, values };
  const keys = keysOfRows(rows);
  yield* holdKeys(keys);
  const calls = rows.map((row) => ({
    queue: row.queue as string,
    orderKey: row.order_key as string,
    dueAt: at.now,
  }));
  const states = yield* statesOf(calls, at.now);
  const copied = sharedColumns({ due_at: "$1", round_attempts: "0", round_at: "$1" });
  yield* withRows({
    text: `INSERT INTO calls (state, ${SHARED_COLUMNS}) SELECT v.column2, ${copied}
      FROM ended_calls JOIN (VALUES {rows}) AS v ON ended_calls.id = v.column1 ORDER BY v.column3`,
    values: [at.now],
    rows: rows.map((row, place): Value[] => [row.id as string, states[place]!, place]),
    types: ["text", "text", "bigint"],
  });
  const ids = rows.map(({ id }) => id as string);
  yield sql("DELETE FROM ended_calls WHERE id = ANY($1)", ids);
  yield* dropBodyIds(rows.map(({ answer_body_id }) => answer_body_id));
  const counts = new Counts();
  for (const { queue } of rows) counts.add(queue as string, "dead", -1);
  yield* addCounts(counts, at.shard);
  return ids;
}

function seqsOf(rows: readonly Row[]): number[] {
  return rows.map(({ seq }) => Number(seq));
}
