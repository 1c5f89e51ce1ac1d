/** Rows of long bodies. PostgreSQL has their bytes too. */
import { read, sql, type Work } from "../work.ts";

/** A body that nothing refers to by then is removed. */
const UNUSED_MS = 3_600_000;
/** Each may have as many parts as megabytes. */
const REMOVED_AT_ONCE = 20;

/** Stores the row of a body, to which nothing refers yet. */
export function* addBody(id: string, bytes: number, now: Date): Work<void> {
  yield sql(
    `INSERT INTO bodies VALUES ($1, $2, 0, $3)
     ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, written_at = excluded.written_at`,
    id,
    bytes,
    now.getTime(),
  );
}

/** On PostgreSQL. The row comes first, so that parts of a program that was killed are removed with it. */
export function* addBodyPart(id: string, part: number, bytes: Uint8Array, now: Date): Work<void> {
  yield* addBody(id, 0, now);
  yield sql("INSERT INTO body_parts VALUES ($1, $2, $3)", id, part, bytes);
}

export function* bodyPart(id: string, part: number): Work<Uint8Array | undefined> {
  const [row] = yield read("SELECT bytes FROM body_parts WHERE body = $1 AND part = $2", id, part);
  return row?.bytes as Uint8Array | undefined;
}

/** Which of the ids have a row. */
export function* knownBodies(ids: readonly string[]): Work<readonly string[]> {
  const rows = yield read("SELECT id FROM bodies WHERE id = ANY($1)", ids);
  return rows.map(({ id }) => id as string);
}

/** Removes a body if nothing refers to it. Returns its id then. */
export function* removeBody(id: string): Work<readonly string[]> {
  return yield* removeParts(yield sql("DELETE FROM bodies WHERE id = $1 AND refs = 0 RETURNING id", id));
}

/** Removes a batch of bodies that nothing refers to and that nobody is about to refer to. Returns their ids. */
export function* removeUnusedBodies(now: Date): Work<readonly string[]> {
  const removed = yield sql(
    `DELETE FROM bodies WHERE refs = 0 AND id IN (
       SELECT id FROM bodies WHERE refs = 0 AND written_at < $1 ORDER BY written_at LIMIT ${REMOVED_AT_ONCE}
     ) RETURNING id`,
    now.getTime() - UNUSED_MS,
  );
  return yield* removeParts(removed);
}

function* removeParts(removed: readonly { readonly id?: unknown }[]): Work<string[]> {
  const ids = removed.map(({ id }) => id as string);
  if (ids.length > 0)
    yield { text: "DELETE FROM body_parts WHERE body = ANY($1)", values: [ids], sqlite: "" };
  return ids;
}
