import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../../../platform/problems.ts";

/** Files of a project with its packages. More would take seconds to unpack at a start. */
const MOST_FILES = 40_000;
/** Unpacked size. It is compressed to about a fifth. */
const MOST_BYTES = 256 * 1024 ** 2;
/** Parts of packages that nothing needs to run: types, source maps, native code (which a function cannot load). */
const NOT_RUN = /\.(d\.[cm]?ts|map|node|flow)$/;

/** Reads all files of a folder that a project needs to run, by path. @throws Problem `build_failed`, or that of `tooLarge` */
export function readTree(root: string, tooLarge: () => Problem): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  const read = (folder: string) => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      // Deno's notes about its installation are no part of it, unlike further versions of packages.
      if (path === "node_modules/.deno/.deno.lock" || path === "node_modules/.bin") continue;
      if (entry.isDirectory()) read(path);
      if (!entry.isFile() || (path.startsWith("node_modules/") && NOT_RUN.test(path))) continue;
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
