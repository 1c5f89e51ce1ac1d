import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { denoConfigAt } from "../config/deno-config.ts";
import { type ImportMap, type Imports, mergeImportMaps, NO_IMPORTS } from "../config/import-map.ts";
import { isObject, readJson } from "../config/json-file.ts";
import { isInstalled, isSource, join, pathInside, quote } from "../paths.ts";
import type { ArchivePackage } from "./archive-packages.ts";
import { resolveExport } from "./package-exports.ts";

const MAX_STARS = 4;

/** Folders that match a pattern of a workspace: `packages/*`, or a folder itself. */
export function expandFolders(files: Files, patterns: readonly string[]): string[] {
  const folders = new Set(
    [...files.keys()]
      .filter((path) => !isInstalled(path))
      .flatMap((path) => /^(.+)\/(?:package\.json|deno\.jsonc?)$/.exec(path)?.[1] ?? []),
  );
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!")).map(matcher);
  const unwanted = patterns
    .filter((pattern) => pattern.startsWith("!"))
    .map((each) => matcher(each.slice(1)));
  return [...folders].filter(
    (folder) => wanted.some((each) => each.test(folder)) && !unwanted.some((each) => each.test(folder)),
  );
}

function matcher(pattern: string): RegExp {
  const bare = pattern.replace(/^\.\//, "").replace(/\/$/, "");
  // Each star multiplies the time that a regular expression takes.
  if (bare.split("*").length - 1 > MAX_STARS) {
    throw new Problem(
      "invalid_source",
      `The pattern ${quote(pattern)} of a workspace has over ${MAX_STARS} stars.`,
    );
  }
  const parts = bare
    .split("/")
    .map((part) =>
      part === "**"
        ? "(?:[^/]+/)*[^/]+"
        : part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*"),
    );
  return new RegExp(`^${parts.join("/")}$`);
}

/** The package of npm in a folder; undefined if there is none with a name. */
export function localPackage(files: Files, folder: string): ArchivePackage | undefined {
  const manifest = readJson(files, join(folder, "package.json"));
  return typeof manifest?.name === "string" ? { name: manifest.name, folder, manifest } : undefined;
}

/** Whether the package is TypeScript as written: Deno strips no types below node_modules. */
export function isTypeScript(files: Files, each: ArchivePackage): boolean {
  const main = resolveExport(files, each, ".");
  return main === undefined
    ? [...files.keys()].some((path) => path.startsWith(`${each.folder}/`) && isTypeScriptFile(path))
    : isTypeScriptFile(main);
}

function isTypeScriptFile(path: string): boolean {
  return isSource(path) && /\.([mc]?ts|tsx)$/.test(path) && !/\.d\.[mc]?ts$/.test(path);
}

/** Puts a package's files where Node.js and Deno look for packages. */
export function placePackage(files: Map<string, Uint8Array>, { name, folder }: ArchivePackage): void {
  const inner = [...files].filter(([path]) => path.startsWith(`${folder}/`));
  for (const [path, bytes] of inner) files.set(`node_modules/${name}${path.slice(folder.length)}`, bytes);
}

/**
 * What the members of Deno's workspace add to the import map: their names, and their own imports below their folders. Deno
 * reads the configuration of a member in the same way.
 */
export function memberMap(files: Files, folders: readonly string[]): ImportMap {
  const maps = folders.map((folder): ImportMap => {
    const config = denoConfigAt(files, folder);
    if (!config) return NO_IMPORTS;
    const own = typeof config.name === "string" ? nameImports(config.name, folder, config.exports) : {};
    const { imports, scopes } = config.map;
    const scope = Object.keys(imports).length > 0 ? { [`./${folder}/`]: imports } : {};
    return { imports: own, scopes: { ...scope, ...scopes } };
  });
  return mergeImportMaps(...maps);
}

function nameImports(name: string, folder: string, exports: unknown): Imports {
  const entries = typeof exports === "string" ? { ".": exports } : isObject(exports) ? exports : {};
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, target]) => {
      if (typeof target !== "string" || !key.startsWith(".")) return [];
      return [[name + key.slice(1), `./${pathInside(folder, target, `${folder}/deno.json: exports`)}`]];
    }),
  );
}
