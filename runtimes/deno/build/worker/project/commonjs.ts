import { isBuiltin } from "node:module";
import type { Files } from "../archive.ts";
import type { Imports } from "./config/import-map.ts";
import { readJson } from "./config/json-file.ts";
import { folderOf, foldersUp, join } from "./paths.ts";
import { isCommonJs } from "./single-file.ts";
import { packageOf, type Sources } from "./sources.ts";

const REQUIRE = /\brequire\s*\(\s*(["'])([@\w][^"'\s\\]*)\1\s*\)/g;

/** What the CommonJS sources of a project need. */
export interface CommonJs {
  /** Whether Deno must look for CommonJS in files whose names do not tell. */
  readonly isDetected: boolean;
  /** Packages that are required and nowhere declared. `require` cannot name a registry and a version. */
  readonly imports: Imports;
}

/** @param declares whether a bare name has a package */
export async function readCommonJs(
  files: Files,
  reachable: ReadonlyMap<string, string>,
  { sources, declares }: { readonly sources: Sources; readonly declares: (name: string) => boolean },
): Promise<CommonJs> {
  const imports: Record<string, string> = {};
  let isDetected = false;
  for (const [path, text] of reachable) {
    const isNamed = /\.c[jt]s$/.test(path) || (/\.[jt]sx?$/.test(path) && isTypeCommonJs(files, path));
    if (!isNamed) {
      const loader = path.endsWith("x") ? "tsx" : "ts";
      if (/\.m[jt]s$/.test(path) || !(await isCommonJs(text, loader))) continue;
      isDetected = true;
    }
    for (const [, , specifier = ""] of text.matchAll(REQUIRE)) {
      const name = packageOf(specifier);
      if (!isBuiltin(specifier) && !declares(name)) imports[name] = versioned(name, sources);
    }
  }
  return { isDetected, imports };
}

function isTypeCommonJs(files: Files, path: string): boolean {
  const manifest = foldersUp(folderOf(path))
    .map((folder) => join(folder, "package.json"))
    .find((each) => files.has(each));
  return manifest !== undefined && readJson(files, manifest)?.type === "commonjs";
}

/** The package, in the version that another import names. */
function versioned(name: string, { strings }: Sources): string {
  const start = `npm:${name}@`;
  const other = [...strings].find((each) => each.startsWith(start));
  return other === undefined ? `npm:${name}` : start + other.slice(start.length).split("/")[0];
}
