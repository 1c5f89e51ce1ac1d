import { type Bodies, INLINE_BYTES, type StoredBody } from "../store/bodies.ts";
import { isAway } from "./away.ts";

export interface KeptBody {
  readonly body: StoredBody;
  /** The response had more than is kept. */
  readonly isCut: boolean;
  /** The first bytes, at most 64 KiB. */
  readonly start: Buffer;
}

export interface KeepOptions {
  readonly bodies: Pick<Bodies, "write">;
  readonly mostBytes: number;
}

/**
 * Reads the body of a response to its end and keeps the first `mostBytes` of it. If the store is away, what fits in a row
 * is kept: the function has answered, and is not called again.
 * @throws the error of the response
 */
export async function keepBody(
  parts: AsyncIterable<Buffer>,
  { bodies, mostBytes }: KeepOptions,
): Promise<KeptBody> {
  const source = parts[Symbol.asyncIterator]();
  const inRow = Math.min(mostBytes, INLINE_BYTES);
  const first: Buffer[] = [];
  let bytes = 0;
  for (; bytes <= inRow; ) {
    const { done, value } = await source.next();
    if (done) return inline(first, false);
    first.push(value);
    bytes += value.length;
  }
  if (mostBytes <= inRow) {
    await discard(source);
    return inline(first, true, inRow);
  }
  let isCut = false;
  let failure: unknown;
  async function* limited(): AsyncIterable<Uint8Array> {
    let left = mostBytes;
    for (const part of first) {
      yield part.subarray(0, left);
      left -= Math.min(left, part.length);
    }
    try {
      for (let next = await source.next(); !next.done; next = await source.next()) {
        if (next.value.length > left) isCut = true;
        if (left > 0) yield next.value.subarray(0, left);
        left -= Math.min(left, next.value.length);
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const start = Buffer.concat(first).subarray(0, INLINE_BYTES);
  if (bytes > mostBytes) isCut = true;
  try {
    return { body: await bodies.write(limited(), mostBytes), isCut, start };
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (!isAway(error)) throw error;
    await discard(source);
    return inline(first, true, inRow);
  }
}

function inline(parts: readonly Buffer[], isCut: boolean, most?: number): KeptBody {
  const bytes = Buffer.concat(parts).subarray(0, most);
  return { body: { inline: bytes }, isCut, start: bytes };
}

async function discard(source: AsyncIterator<Buffer>): Promise<void> {
  while (!(await source.next()).done);
}
