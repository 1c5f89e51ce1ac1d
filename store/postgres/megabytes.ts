import { PACK_PART_BYTES as PART_BYTES } from "../sql/repositories/packs.ts";

/** The same bytes in parts of a megabyte. Each is overwritten when the next one is asked for. */
export async function* megabytes(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const part = Buffer.allocUnsafe(PART_BYTES);
  let length = 0;
  for await (const given of parts) {
    for (let at = 0; at < given.byteLength; ) {
      const some = given.subarray(at, at + PART_BYTES - length);
      part.set(some, length);
      at += some.byteLength;
      length += some.byteLength;
      if (length < PART_BYTES) continue;
      yield part;
      length = 0;
    }
  }
  if (length > 0) yield part.subarray(0, length);
}
