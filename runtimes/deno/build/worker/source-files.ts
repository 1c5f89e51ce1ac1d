import type { Source } from "../../../../platform/platform.ts";
import { sourceTooLarge } from "../source.ts";
import { type Files, gunzipArchive, readTar, readZip } from "./archive.ts";

/**
 * Unpacks the files of a source, by their path. A single posted file is `main.ts`.
 * @throws Problem `invalid_source`, `source_too_large` (also for what an archive unpacks to)
 */
export async function readSourceFiles(
  { bytes, type }: Source,
  { sourceBytes }: { readonly sourceBytes: number },
): Promise<Files> {
  const bounds = { bytes: sourceBytes, tooLarge: () => sourceTooLarge(sourceBytes, "unpacked ") };
  switch (type) {
    case "text/typescript":
      return new Map([["main.ts", bytes]]);
    case "application/x-tar":
      return await readTar(bytes, bounds);
    case "application/gzip":
      return await readTar(await gunzipArchive(bytes, bounds), bounds);
    case "application/zip":
      return readZip(bytes, bounds);
  }
}
