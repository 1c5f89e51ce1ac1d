import { isUtf8 } from "node:buffer";
import type { Limits } from "../../../platform/limits.ts";
import type { Source, SourceType } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { Runtime } from "../../../platform/settings/runtime.ts";
import { isBinary } from "../../program/build/elf.ts";
import { isScript } from "../../program/build/first-line.ts";
import { FOLDER_PER_SOURCE } from "./tasks.ts";

const TAR_MAGIC_OFFSET = 257;
const TAR_HEADER_BYTES = 512;

/**
 * Recognises a source by its bytes alone, because clients send any content type. It searches for a NUL and checks UTF-8,
 * both natively and in a few milliseconds for the largest source, and reads nothing else.
 * @throws Problem `invalid_source` (empty, not UTF-8, NUL bytes, a program without its runtime), `source_too_large`
 */
export function recognizeSource(
  bytes: Uint8Array,
  { sourceBytes, runtime }: Pick<Limits, "sourceBytes"> & { readonly runtime?: Runtime | undefined },
): Source {
  if (bytes.length === 0) {
    throw new Problem(
      "invalid_source",
      "The body is empty: post a TypeScript file, a program or an archive.",
    );
  }
  if (bytes.length > sourceBytes) throw sourceTooLarge(sourceBytes);
  const type = recognizeType(bytes);
  if (type !== "text/typescript") return { bytes, type };
  if (runtime === "program") return { bytes, type: "application/octet-stream" };
  if (runtime === undefined) checkNoProgram(bytes);
  checkText(bytes);
  return { bytes, type };
}

/** Interpreters of `#!` lines in TypeScript and JavaScript that Deno can run as a function. */
const OF_JAVASCRIPT = /^#!.*\b(?:deno|node|nodejs|bun|tsx|ts-node)\b/;

function checkNoProgram(bytes: Uint8Array): void {
  const line = Buffer.from(bytes.subarray(0, 255)).toString("latin1").split("\n", 1)[0]!;
  const isForeignScript = isScript(bytes) && !OF_JAVASCRIPT.test(line);
  if (!isForeignScript && !isBinary(bytes)) return;
  const what = isForeignScript ? `begins with ${JSON.stringify(line.slice(0, 80))}` : "is a program in ELF";
  throw new Problem("invalid_source", `The body ${what}: deploy it as a program, with runtime=program.`);
}

function recognizeType(bytes: Uint8Array): SourceType {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "application/gzip";
  // "PK" and a local file header, the end record of an empty zip, or the mark of a spanned one.
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b && [0x0304, 0x0506, 0x0708].includes(word(bytes, 2));
  if (zip) return "application/zip";
  const magic = bytes.subarray(TAR_MAGIC_OFFSET, TAR_MAGIC_OFFSET + 5);
  const header = bytes.subarray(0, TAR_HEADER_BYTES);
  if (Buffer.from(magic).toString("latin1") === "ustar" && header.includes(0)) return "application/x-tar";
  return "text/typescript";
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function checkText(bytes: Uint8Array): void {
  const nul = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(0);
  const known =
    "for a program add runtime=program, or post TypeScript or JavaScript as UTF-8 text, or a tar, tar.gz or zip archive.";
  if (nul >= 0) {
    throw new Problem(
      "invalid_source",
      `The body is binary (byte ${nul} is NUL) and no known archive: ${known}`,
    );
  }
  if (!isUtf8(bytes)) throw new Problem("invalid_source", `The body is not valid UTF-8: ${known}`);
}

/** Larger files are not searched. */
const GLANCE_BYTES = 64 * 1024;
/** Words that imports, CommonJS, JSX and checks of the main module use. */
const MAY_BE_PROJECT =
  /\b(?:import|require|module|exports|mainModule|argv|onload)\b|\bfrom\s*["']|["'`]load["'`]|<\/|\/>/;

/** See Builder. */
export function becomesModule({ bytes, type }: Source, runtime: Runtime = "deno"): boolean {
  if (runtime !== "deno") return false;
  if (type !== "text/typescript" || bytes.length > GLANCE_BYTES) return false;
  return !MAY_BE_PROJECT.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"));
}

/** @param state `unpacked ` for the content of an archive */
export function folderTooLarge(mostBytes: number, state = ""): Problem {
  return new Problem(
    "source_too_large",
    `The ${state}folder is over the limit of ${formatBytes(mostBytes)} (${FOLDER_PER_SOURCE} times SKIFF_MAX_SOURCE); leave out what its functions do not need, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}

/** @param state `unpacked ` for the content of an archive */
export function sourceTooLarge(sourceBytes: number, state = ""): Problem {
  return new Problem(
    "source_too_large",
    `The ${state}source is over the limit of ${formatBytes(sourceBytes)} (SKIFF_MAX_SOURCE); leave out what the function does not need, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}
