import type { FileHandle } from "node:fs/promises";

/** Small enough that parsing all lines of a block holds no call up. */
const BLOCK_BYTES = 256 * 1024;
const LINE_END = 0x0a;

/** Whole lines of a file. */
export interface Block {
  readonly bytes: Buffer;
  /** Offset in the file. */
  readonly start: number;
}

/** Reads whole lines from `from` to `to`, where a line ends. */
export async function* blocksForward(file: FileHandle, from: number, to: number): AsyncGenerator<Block> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = from; at < to; ) {
    const chunk = await readAt(file, at, Math.min(BLOCK_BYTES, to - at));
    if (chunk.length === 0) return;
    at += chunk.length;
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = bytes.lastIndexOf(LINE_END) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield { bytes: bytes.subarray(0, end), start: at - bytes.length };
  }
}

/** Reads whole lines from `to`, where a line ends, back to the start of the file. */
export async function* blocksBackward(file: FileHandle, to: number): AsyncGenerator<Block> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = to; at > 0; ) {
    const from = Math.max(0, at - BLOCK_BYTES);
    const chunk = await readAt(file, from, at - from);
    if (chunk.length < at - from) return;
    at = from;
    const bytes = rest.length > 0 ? Buffer.concat([chunk, rest]) : chunk;
    const start = at === 0 ? 0 : bytes.indexOf(LINE_END) + 1;
    rest = bytes.subarray(0, start);
    if (start < bytes.length) yield { bytes: bytes.subarray(start), start: at + start };
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, at);
  return buffer.subarray(0, bytesRead);
}
