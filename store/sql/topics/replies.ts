/** What subscribers answered to events for which somebody waits. */
import type { Answer } from "../../call.ts";
import type { Reply } from "../../calls.ts";
import { dropBodyIds, keepBodies } from "../bodies/refs.ts";
import { bodyOf, bodyValues } from "../body-columns.ts";
import { type Row, read, sql, type Value, type Work } from "../work.ts";

/** The first reply of a group counts. */
export function* insertReplies(replies: readonly Reply[], now: number): Work<void> {
  for (const { waiter, group, answer, error } of replies) {
    const values: Value[] = [waiter, group, now, ...answerValues(answer), error ?? null];
    const added = yield sql(
      `INSERT INTO replies VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (waiter, group_name) DO NOTHING RETURNING waiter`,
      ...values,
    );
    if (added.length > 0) yield* keepBodies([answer?.body]);
  }
}

function answerValues(answer: Answer | undefined): readonly Value[] {
  if (!answer) return [null, null, null, null, null, null];
  const { status, headers, body, isCut } = answer;
  return [status, JSON.stringify(headers), ...bodyValues(body), isCut ? 1 : 0];
}

export function* repliesTo(waiters: readonly string[]): Work<ReadonlyMap<string, readonly Reply[]>> {
  const text = "SELECT * FROM replies WHERE waiter = ANY($1) ORDER BY replied_at, group_name";
  const rows = yield read(text, waiters);
  return Map.groupBy(rows.map(replyOf), ({ waiter }) => waiter);
}

function replyOf(row: Row): Reply {
  return {
    waiter: row.waiter as string,
    group: row.group_name as string,
    ...(row.status !== null && { answer: answerOf(row) }),
    ...(row.error !== null && { error: row.error as string }),
  };
}

function answerOf(row: Row): Answer {
  const headers: string[] = JSON.parse(row.headers as string);
  return { status: Number(row.status), headers, body: bodyOf(row), isCut: Number(row.is_cut) === 1 };
}

/** Removes the oldest replies. Returns whether more may be left. */
export function* removeOldReplies(before: number, limit: number): Work<boolean> {
  const rows = yield sql(
    `DELETE FROM replies WHERE (waiter, group_name) IN
       (SELECT waiter, group_name FROM replies WHERE replied_at < $1 ORDER BY replied_at LIMIT $2)
     RETURNING body_id`,
    before,
    limit,
  );
  yield* dropBodyIds(rows.map(({ body_id }) => body_id));
  return rows.length === limit;
}
