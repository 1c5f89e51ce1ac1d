/** The end of attempts. */
import type { Settlement } from "../../calls.ts";
import { dropBodyIds, keepBodies } from "../bodies/refs.ts";
import { insertEvents } from "../topics/publish.ts";
import { insertReplies } from "../topics/replies.ts";
import { type Row, sql, type Value, type Work, withRows } from "../work.ts";
import { insertCalls } from "./insert.ts";
import { holdKeys, keysOfRows, releaseKeys } from "./order.ts";
import { answerValues, attemptsWith, SHARED_COLUMNS, sharedColumns } from "./rows.ts";
import { type At, addCounts, Counts } from "./totals.ts";

/** A settlement whose lease holds. */
interface Held {
  readonly row: Row;
  readonly settlement: Settlement;
}

export function* settleCalls(settlements: readonly Settlement[], at: At): Work<readonly boolean[]> {
  // Without the bodies: they stay where they are, or are copied by the database.
  const found = yield sql(
    `SELECT seq, id, owner, epoch, queue, order_key, attempts_list, keeps_record, body_id FROM calls
     WHERE id = ANY($1) AND state = 'running' ORDER BY seq FOR UPDATE`,
    settlements.map(({ id }) => id),
  );
  const rows = new Map(found.map((row) => [row.id as string, row]));
  const held: Held[] = [];
  const outcomes = settlements.map((settlement) => {
    const row = rows.get(settlement.id);
    if (!row || row.owner !== settlement.owner || Number(row.epoch) !== settlement.epoch) return false;
    // A second settlement of the same lease changes nothing.
    rows.delete(settlement.id);
    held.push({ row, settlement });
    return true;
  });
  yield* giveBack(held, at.now);
  yield* end(held, at);
  yield* insertCalls(
    held.flatMap(({ settlement }) => settlement.calls ?? []),
    at,
  );
  yield* count(held, at);
  // Topics are locked last everywhere.
  yield* insertEvents(
    held.flatMap(({ settlement }) => settlement.events ?? []),
    at.now,
  );
  yield* insertReplies(
    held.flatMap(({ settlement }) => settlement.reply ?? []),
    at.now,
  );
  return outcomes;
}

/** Those that wait for another attempt. They keep their place in the order of their key. */
function* giveBack(held: readonly Held[], now: number): Work<void> {
  const rows = held.flatMap(({ row, settlement: { outcome, attempt } }): Value[][] =>
    outcome.state === "waiting"
      ? [[Number(row.seq), outcome.dueAt, attempt ? 1 : 0, attemptsWith(row, attempt)]]
      : [],
  );
  yield* withRows({
    text: `UPDATE calls SET owner = NULL, started_at = NULL, due_at = v.column2,
        state = CASE WHEN v.column2 <= $1 THEN 'ready' ELSE 'delayed' END,
        attempts = attempts + v.column3, round_attempts = round_attempts + v.column3, attempts_list = v.column4
      FROM (VALUES {rows}) AS v WHERE calls.seq = v.column1`,
    values: [now],
    rows,
    types: ["bigint", "bigint", "bigint", "text"],
  });
}

function* end(held: readonly Held[], { now }: At): Work<void> {
  const ended = held.filter(({ settlement }) => settlement.outcome.state !== "waiting");
  if (ended.length === 0) return;
  const keys = keysOfRows(ended.map(({ row }) => row));
  yield* holdKeys(keys);
  const kept = ended.filter(
    ({ row, settlement }) => settlement.outcome.state === "dead" || Number(row.keeps_record) === 1,
  );
  yield* keep(kept, now);
  yield sql(
    "DELETE FROM calls WHERE seq = ANY($1)",
    ended.map(({ row }) => Number(row.seq)),
  );
  const isKept = new Set(kept);
  yield* dropBodyIds(ended.filter((each) => !isKept.has(each)).map(({ row }) => row.body_id));
  yield* releaseKeys(keys, now);
}

/** Copies calls to the records. */
function* keep(ended: readonly Held[], now: number): Work<void> {
  const rows = ended.map(({ row, settlement: { attempt, outcome } }): Value[] => {
    const answer = "answer" in outcome ? outcome.answer : undefined;
    return [
      Number(row.seq),
      outcome.state,
      attempt ? 1 : 0,
      attemptsWith(row, attempt),
      "reason" in outcome ? outcome.reason : null,
      ...answerValues(answer),
    ];
  });
  const copied = sharedColumns({
    attempts: "attempts + v.column3",
    attempts_list: "v.column4",
    round_attempts: "round_attempts + v.column3",
  });
  yield* withRows({
    text: `INSERT INTO ended_calls (${SHARED_COLUMNS}, state, ended_at, reason, answer, answer_body, answer_body_id,
        answer_body_bytes)
      SELECT ${copied}, v.column2, $1, v.column5, v.column6, v.column7, v.column8, v.column9
      FROM calls JOIN (VALUES {rows}) AS v ON calls.seq = v.column1`,
    values: [now],
    rows,
    types: ["bigint", "text", "bigint", "text", "text", "text", "bytea", "text", "bigint"],
  });
  yield* keepBodies(
    ended.map(({ settlement: { outcome } }) => ("answer" in outcome ? outcome.answer?.body : undefined)),
  );
}

function* count(held: readonly Held[], { shard }: At): Work<void> {
  const counts = new Counts();
  for (const { row, settlement } of held) {
    const { state } = settlement.outcome;
    if (state !== "waiting") counts.add(row.queue as string, state);
    if (settlement.attempt) counts.add(row.queue as string, "attempts");
  }
  yield* addCounts(counts, shard);
}
