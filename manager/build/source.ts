import type { Limits } from "../../platform/limits.ts";
import type { Source, SourceType } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import { type Files, gunzipArchive, readTar, readZip } from "./archive.ts";

/** File names of an archive's root that a function may start with, in the order of preference. */
export const ENTRY_NAMES = ["main.ts", "main.tsx", "main.js", "main.mjs"] as const;

const TAR_MAGIC_OFFSET = 257;

/**
 * What was posted, told from its bytes alone: clients send whatever content type they like.
 * @throws Problem `invalid_source` (empty, not UTF-8, NUL bytes), `source_too_large`
 */
export function recognizeSource(bytes: Uint8Array, limits: Limits): Source {
  if (bytes.length === 0) {
    throw new Problem("invalid_source", "The body is empty: post a TypeScript file or an archive.");
  }
  if (bytes.length > limits.sourceBytes) throw sourceTooLarge(limits);
  const type = recognizeType(bytes);
  if (type === "text/typescript") checkText(bytes);
  return { bytes, type };
}

/**
 * The files of a source by their path. One posted file is `main.ts`.
 * @throws Problem `invalid_source`, `source_too_large` (also for what an archive unpacks to)
 */
export async function readSourceFiles(source: Source, limits: Limits): Promise<Files> {
  const files = await unpack(source, limits);
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

async function unpack({ bytes, type }: Source, limits: Limits): Promise<Files> {
  const bounds = { bytes: limits.sourceBytes, tooLarge: () => sourceTooLarge(limits, "unpacked ") };
  switch (type) {
    case "text/typescript":
      return new Map([["main.ts", bytes]]);
    case "application/x-tar":
      return await readTar(bytes, bounds);
    case "application/gzip":
      return await readTar(await gunzipArchive(bytes, bounds), bounds);
    case "application/zip":
      return await readZip(bytes, bounds);
  }
}

function recognizeType(bytes: Uint8Array): SourceType {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "application/gzip";
  // "PK" and a local file header, the end record of an empty zip, or the mark of a spanned one.
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b && [0x0304, 0x0506, 0x0708].includes(word(bytes, 2));
  if (zip) return "application/zip";
  const magic = bytes.subarray(TAR_MAGIC_OFFSET, TAR_MAGIC_OFFSET + 5);
  if (Buffer.from(magic).toString("latin1") === "ustar" && bytes.includes(0)) return "application/x-tar";
  return "text/typescript";
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function checkText(bytes: Uint8Array): void {
  const nul = bytes.indexOf(0);
  const known = "post TypeScript or JavaScript as UTF-8 text, or a tar, tar.gz or zip archive.";
  if (nul >= 0) {
    throw new Problem(
      "invalid_source",
      `The body is binary (byte ${nul} is NUL) and no known archive: ${known}`,
    );
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("invalid_source", `The body is not valid UTF-8: ${known}`);
  }
}

function sourceTooLarge(limits: Limits, state = ""): Problem {
  const limit = formatBytes(limits.sourceBytes);
  return new Problem(
    "source_too_large",
    `The ${state}source is over the limit of ${limit} (SKIFF_MAX_SOURCE); leave out what the function does not need, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}

function listSome(paths: readonly string[]): string {
  const some = paths.slice(0, 5).map((path) => path.slice(0, 100));
  return some.join(", ") + (paths.length > some.length ? ` and ${paths.length - some.length} more` : "");
}
