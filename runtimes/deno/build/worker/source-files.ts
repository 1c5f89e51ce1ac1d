import type { Source } from "../../../../platform/platform.ts";
import type { Problem } from "../../../../platform/problems.ts";
import { sourceTooLarge } from "../source.ts";
import { type Files, gunzipArchive, readTar, readZip } from "./archive.ts";

export interface ReadOptions {
  readonly sourceBytes: number;
  /** Makes the error for what an archive unpacks to. */
  readonly tooLarge?: () => Problem;
  /** Gets the contents of the files that an archive marks as executable. */
  readonly marked?: Set<Uint8Array>;
}

/**
 * Unpacks the files of a source, by their path. A single posted file is `main.ts`, that of a program `main`.
 * @throws Problem `invalid_source`, `source_too_large`
 */
export async function readSourceFiles(
  { bytes, type }: Source,
  { sourceBytes, tooLarge = () => sourceTooLarge(sourceBytes, "unpacked "), marked }: ReadOptions,
): Promise<Files> {
  const bounds = { bytes: sourceBytes, tooLarge, ...(marked ? { marked } : {}) };
  switch (type) {
    case "text/typescript":
      return new Map([["main.ts", bytes]]);
    case "application/octet-stream":
      return new Map([["main", bytes]]);
    case "application/vnd.skiff.image+json":
      return new Map([["image.json", bytes]]);
    case "application/x-tar":
      return await readTar(bytes, bounds);
    case "application/gzip":
      return await readTar(await gunzipArchive(bytes, bounds), bounds);
    case "application/zip":
      return readZip(bytes, bounds);
  }
}
