import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import { bodyOf, decodeFiles } from "../../../../client-image/project/project-pack.ts";
import type { Files } from "./archive.ts";
import { NO_WARNINGS } from "./diagnostics.ts";
import { distance } from "./distance.ts";
import { isObject } from "./project/config/json-file.ts";
import { resolveExport } from "./project/packages/package-exports.ts";
import { folderOf, resolvePath } from "./project/paths.ts";

/** V8's message for an import of a name that a module does not have. */
const MISSING = /The requested module '([^']+)' does not provide an export named '([^']+)'/;
const PLACE = /file:\/\/\/\S*?\/project\/([^\s:)]+):\d+:\d+/;
const ENDINGS = ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".mts", "/index.ts", "/index.tsx", "/index.js"];
/** `./x.js` may stand for one of these. */
const TYPESCRIPT = [".ts", ".tsx", ".mts"];
const PACKAGE = /^(?:npm:\/?)?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]+)?(\/.*)?$/;
/** Modules that pass on what others export may do so in a chain. */
const MOST_FOLLOWED = 20;
const MOST_NAMED = 12;

/**
 * Says which names a module exports, if the log of a failed start says that it lacks one.
 * @param artifact a packed project
 */
export async function adviseMissingExport(
  artifact: Uint8Array,
  log: readonly string[],
): Promise<string | undefined> {
  const [, specifier, wanted] = MISSING.exec(log.join("\n")) ?? [];
  if (specifier === undefined || wanted === undefined) return undefined;
  const files = decodeFiles(gunzipSync(bodyOf(artifact)));
  const importer = log.map((line) => PLACE.exec(line)?.[1]).find((path) => path !== undefined) ?? "";
  const path = resolve(files, specifier, importer);
  const names = path === undefined ? new Set<string>() : await exportsOf(files, path, new Set());
  names.delete("default");
  if (names.size === 0) return undefined;
  const sorted = [...names].sort((a, b) => likeness(a, wanted) - likeness(b, wanted));
  const more = sorted.length > MOST_NAMED ? ` and ${sorted.length - MOST_NAMED} more` : "";
  return `"${specifier}" exports no "${wanted}", but ${sorted.slice(0, MOST_NAMED).join(", ")}${more}.`;
}

function resolve(files: Files, specifier: string, importer: string): string | undefined {
  if (/^\.\.?\//.test(specifier)) {
    const path = resolvePath(folderOf(importer), specifier);
    if (path === undefined) return undefined;
    const typed = TYPESCRIPT.map((ending) => path.replace(/\.[cm]?jsx?$/, ending));
    return [...ENDINGS.map((ending) => path + ending), ...typed].find((each) => files.has(each));
  }
  const [, name = "", rest = ""] = PACKAGE.exec(specifier) ?? [];
  const folder = `node_modules/${name}`;
  const manifest = files.get(`${folder}/package.json`);
  const parsed: unknown = manifest && JSON.parse(new TextDecoder().decode(manifest));
  return isObject(parsed) ? resolveExport(files, { folder, manifest: parsed }, `.${rest}`) : undefined;
}

async function exportsOf(files: Files, path: string, followed: Set<string>): Promise<Set<string>> {
  const bytes = files.get(path);
  if (!bytes || followed.has(path) || followed.size >= MOST_FOLLOWED) return new Set();
  followed.add(path);
  const contents = new TextDecoder().decode(bytes);
  const loader = /\.[cm]?ts$/.test(path) ? "ts" : /x$/.test(path) ? "tsx" : "js";
  const { metafile } = await build({
    stdin: { contents, loader },
    bundle: false,
    write: false,
    metafile: true,
    format: "esm",
    logLevel: "silent",
    logOverride: NO_WARNINGS,
    tsconfigRaw: "{}",
  });
  const names = new Set(Object.values(metafile.outputs).flatMap((output) => output.exports));
  for (const [, from = ""] of contents.matchAll(/\bexport\s*\*\s*from\s*["']([^"']+)["']/g)) {
    const target = resolve(files, from, path);
    if (target !== undefined) for (const name of await exportsOf(files, target, followed)) names.add(name);
  }
  return names;
}

function likeness(one: string, other: string): number {
  return distance(one.toLowerCase(), other.toLowerCase());
}
