import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

/**
 * Longest body that a program gets as a file. A pipe holds as much: then its writer can have closed it before the
 * program opens /dev/stdin, which waits for a writer.
 */
export const SPOOLED_BYTES = 64 * 1024;

/** Reads a whole body. Resolves with undefined if its client has left. */
export async function readBody(request: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  const isWhole = await new Promise<boolean>((resolve) => {
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => resolve(true));
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
  return isWhole ? Buffer.concat(chunks) : undefined;
}

/** Returns a descriptor of a file without a name, which holds the bytes. Undefined where none can be written. */
export function spool(bytes: Uint8Array): number | undefined {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), "input-"));
    const file = join(folder, "body");
    writeFileSync(file, bytes, { mode: 0o600 });
    return openSync(file, "r");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["EACCES", "EDQUOT", "EFBIG", "ENOENT", "ENOSPC", "EPERM", "EROFS"].includes(code)) return undefined;
    throw error;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
