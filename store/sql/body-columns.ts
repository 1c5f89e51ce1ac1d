import type { StoredBody } from "../bodies.ts";
import type { Row, Value } from "./work.ts";

/** The values of the columns `body`, `body_id` and `body_bytes`. */
export function bodyValues(body: StoredBody): readonly [Value, Value, Value] {
  if ("inline" in body) return [body.inline, null, body.inline.byteLength];
  return [null, body.id, body.bytes];
}

/** Reads what `bodyValues` wrote. */
export function bodyOf(row: Row): StoredBody {
  if (typeof row.body_id === "string") return { id: row.body_id, bytes: Number(row.body_bytes) };
  // Without the class of the driver, whose `slice` behaves differently.
  const { buffer, byteOffset, byteLength } = row.body as Uint8Array<ArrayBuffer>;
  return { inline: new Uint8Array(buffer, byteOffset, byteLength) };
}
