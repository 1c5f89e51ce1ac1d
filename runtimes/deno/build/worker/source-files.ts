import type { Source } from "../../../../platform/platform.ts";
import { Problem } from "../../../../platform/problems.ts";
import { sourceTooLarge } from "../source.ts";
import { type Files, gunzipArchive, readTar, readZip } from "./archive.ts";

/** Entry points at the root of an archive, in order of preference. */
export const ENTRY_NAMES = ["main.ts", "main.tsx", "main.js", "main.mjs"] as const;

/**
 * Unpacks the files of a source, by their path. A single posted file is `main.ts`.
 * @throws Problem `invalid_source`, `source_too_large` (also for what an archive unpacks to)
 */
export async function readSourceFiles(
  source: Source,
  { sourceBytes }: { readonly sourceBytes: number },
): Promise<Files> {
  const files = await unpack(source, sourceBytes);
  if (ENTRY_NAMES.some((name) => files.has(name))) return files;
  const looked = `An archive needs ${ENTRY_NAMES.slice(0, -1).join(", ")} or ${ENTRY_NAMES.at(-1)} at its root`;
  const nested = [...files.keys()].find((path) =>
    ENTRY_NAMES.some((name) => path.split("/").length === 2 && path.endsWith(`/${name}`)),
  );
  const advice = nested
    ? `; this one has ${nested}: pack the content of the folder, not the folder itself (tar -C ${nested.split("/")[0]} -cf - .).`
    : files.size === 0
      ? "; this one is empty."
      : `; this one has ${listSome([...files.keys()])}.`;
  throw new Problem("invalid_source", looked + advice);
}

async function unpack({ bytes, type }: Source, sourceBytes: number): Promise<Files> {
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

function listSome(paths: readonly string[]): string {
  const some = paths.slice(0, 5).map((path) => path.slice(0, 100));
  return some.join(", ") + (paths.length > some.length ? ` and ${paths.length - some.length} more` : "");
}
