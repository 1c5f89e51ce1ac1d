import { open, truncate } from "node:fs/promises";

const CHUNK_BYTES = 256 * 1024;
const LINE_END = 0x0a;

/** Removes a last line without an end, which a process that died has left. Returns the bytes that remain. */
export async function wholeLines(path: string, bytes: number): Promise<number> {
  const file = await open(path);
  let end = 0;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let to = bytes; to > 0 && end === 0; ) {
      const from = Math.max(0, to - CHUNK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, to - from, from);
      end = from + buffer.subarray(0, bytesRead).lastIndexOf(LINE_END) + 1;
      if (end === from) end = 0;
      to = from;
    }
  } finally {
    await file.close();
  }
  if (end < bytes) await truncate(path, end);
  return end;
}

export async function countLines(path: string): Promise<number> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let lines = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return lines;
      lines += countIn(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

export function countIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1)) lines++;
  return lines;
}
