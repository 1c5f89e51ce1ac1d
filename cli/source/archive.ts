import { readFileSync, statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import type { SourceFile } from "./folder-files.ts";

const OWNER_EXECUTES = 0o100;

/** Packs files as tar.gz. The same files make the same bytes, so that Skiff recognises an unchanged source. */
export async function archive(files: readonly SourceFile[]): Promise<Buffer> {
  const { pack } = await import("tar-stream");
  const tar = pack();
  const packed = buffer(tar.pipe(createGzip()));
  for (const { path, file } of files) {
    const mode = statSync(file).mode & OWNER_EXECUTES ? 0o755 : 0o644;
    tar.entry({ name: path, mode, mtime: new Date(0) }, readFileSync(file));
  }
  tar.finalize();
  return packed;
}
