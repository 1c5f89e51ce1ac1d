import { type Bodies, INLINE_BYTES, type StoredBody } from "../store/bodies.ts";

/** Stores bytes that are in memory. */
export async function storeBody(bodies: Pick<Bodies, "write">, bytes: Uint8Array): Promise<StoredBody> {
  if (bytes.length <= INLINE_BYTES) return { inline: bytes };
  return bodies.write(once(bytes), bytes.length);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Reads a whole body into memory: its size is bounded by the limits of events and answers. */
export async function loadBody(bodies: Pick<Bodies, "read">, body: StoredBody): Promise<Uint8Array> {
  if ("inline" in body) return body.inline;
  const parts: Uint8Array[] = [];
  for await (const part of bodies.read(body)) parts.push(part);
  return Buffer.concat(parts);
}

export function bytesOf(body: StoredBody): number {
  return "inline" in body ? body.inline.length : body.bytes;
}
