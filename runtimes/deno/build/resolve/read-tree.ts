import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../../../platform/problems.ts";

/** Files of a project with its packages. More would take seconds to unpack at a start. */
const MOST_FILES = 40_000;
/** Unpacked size. It is compressed to about a fifth. */
const MOST_BYTES = 256 * 1024 ** 2;
/** Native code of packages, which a function cannot load. */
const NATIVE = /\.node$/;
/** Types of packages, which the compiler alone reads. */
const TYPES = /\.d\.[cm]?ts$/;
const COMPILER = "node_modules/typescript";
/** Source maps of packages, beside the code that they are about. */
const ABOUT_CODE = /^(.*)\.(?:map|flow)$/;

/**
 * Reads all files of a folder that a project needs to run, by path: every posted one, and those of packages.
 * @throws Problem `build_failed`, or that of `tooLarge`
 */
export function readTree(
  root: string,
  posted: ReadonlyMap<string, Uint8Array>,
  tooLarge: () => Problem,
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const hasCompiler = existsSync(join(root, COMPILER));
  let bytes = 0;
  const read = (folder: string) => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    const names = new Set(entries.map(({ name }) => name));
    const isUnneeded = (name: string) =>
      NATIVE.test(name) || (TYPES.test(name) && !hasCompiler) || names.has(ABOUT_CODE.exec(name)?.[1] ?? "");
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      // Skip Deno's installation metadata; keep further versions of packages.
      if (path === "node_modules/.deno/.deno.lock" || path === "node_modules/.bin") continue;
      if (entry.isDirectory()) read(path);
      if (!entry.isFile()) continue;
      if (path.startsWith("node_modules/") && !posted.has(path) && isUnneeded(entry.name)) continue;
      const content = readFileSync(join(root, path));
      bytes += content.length;
      if (bytes > MOST_BYTES) throw tooLarge();
      if (files.size >= MOST_FILES) throw tooMany();
      files.set(path, content);
    }
  };
  read("");
  return files;
}

function tooMany(): Problem {
  const detail = `The function with its packages has over ${MOST_FILES} files: import fewer packages.`;
  return new Problem("build_failed", detail);
}
