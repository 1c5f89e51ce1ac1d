import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { folderOf, foldersUp, join, pathInside, quote } from "../paths.ts";
import { optionsOf } from "./compiler-options.ts";
import { type ImportMap, mergeImportMaps, NO_IMPORTS, readImportMap } from "./import-map.ts";
import { type JsonObject, readJson, textsAt } from "./json-file.ts";
import { readUnstable } from "./unstable.ts";

const NAMES = ["deno.json", "deno.jsonc"];
/** Supabase's projects have an import map without a deno.json. */
const MAP_NAMES = ["import_map.json", "import_map.jsonc"];

/** Keys that a build reads. */
const READ = [
  ...["imports", "scopes", "importMap", "compilerOptions", "unstable", "workspace", "links", "patch"],
  ...["exports", "tasks", "minimumDependencyAge"],
];
/** Keys for Deno's tools, and descriptions. They mean nothing to a running module. */
const MEANINGLESS = [
  ...["fmt", "lint", "test", "bench", "check", "compile", "deploy", "publish", "lock", "exclude", "include"],
  ...["nodeModulesDir", "nodeModulesLinker", "vendor", "permissions", "allowScripts", "lifecycle", "types"],
  ...[
    "name",
    "version",
    "description",
    "license",
    "author",
    "authors",
    "contributors",
    "homepage",
    "keywords",
  ],
  ...["repository", "bugs", "private", "type", "engines", "files", "comment", "comments", "title"],
];

const ABOUT = [
  "name",
  "version",
  "title",
  "description",
  "license",
  "author",
  "authors",
  "homepage",
  "keywords",
];

/** What a deno.json says about running modules, with paths relative to the root of the project. */
export interface DenoConfig {
  /** The file, or the one that would be there. */
  readonly file: string;
  readonly folder: string;
  readonly map: ImportMap;
  /** As written. */
  readonly options: JsonObject;
  readonly unstable: readonly string[];
  /** Folders of packages that replace those of a registry. */
  readonly links: readonly string[];
  /** Members of the workspace: folders, or patterns of them. */
  readonly members: readonly string[];
  readonly minimumDependencyAge: unknown;
  readonly exports: unknown;
  readonly name: unknown;
  /** What the file says about the project for people, which modules may import. */
  readonly about: JsonObject;
}

/**
 * Reads the deno.json nearest to `folder`, or the import map that is there without one.
 * @throws Problem `invalid_source`
 */
export function findDenoConfig(files: Files, folder: string): DenoConfig {
  const folders = foldersUp(folder);
  const find = (names: readonly string[]) =>
    folders.flatMap((each) => names.map((name) => join(each, name))).find((path) => files.has(path));
  const file = find(NAMES);
  if (file !== undefined) return readDenoConfig(files, file);
  const map = find(MAP_NAMES);
  const config = interpret(files, "deno.json", {});
  return map === undefined ? config : { ...config, map: readMapFile(files, map) };
}

/** Reads the deno.json of a folder; undefined if there is none. */
export function denoConfigAt(files: Files, folder: string): DenoConfig | undefined {
  const file = NAMES.map((name) => join(folder, name)).find((path) => files.has(path));
  return file === undefined ? undefined : readDenoConfig(files, file);
}

function readDenoConfig(files: Files, file: string): DenoConfig {
  const config = readJson(files, file) ?? {};
  const unknown = Object.keys(config).find(
    (key) => !READ.includes(key) && !MEANINGLESS.includes(key) && !/^(\/\/|\$|_)/.test(key),
  );
  if (unknown === undefined) return interpret(files, file, config);
  throw new Problem(
    "invalid_source",
    `${file}: the key ${quote(unknown)} is unknown; remove it, or see the list of keys in Deno's documentation of deno.json.`,
  );
}

function interpret(files: Files, file: string, config: JsonObject): DenoConfig {
  const folder = folderOf(file);
  const inside = (key: string) => (path: string) =>
    pathInside(folder, path, `${file}: ${key}`).replace(/\/$/, "");
  const { workspace } = config;
  const members = Array.isArray(workspace)
    ? { workspace }
    : { workspace: (workspace as JsonObject)?.members };
  return {
    file,
    folder,
    map: mergeImportMaps(readImportMap(config, { folder, file }), mapOf(files, file, config.importMap)),
    options: optionsOf(config, file),
    unstable: readUnstable(textsAt(config, "unstable", file), file),
    links: ["links", "patch"].flatMap((key) => textsAt(config, key, file).map(inside(key))),
    members: textsAt(members, "workspace", file).map(inside("workspace")),
    minimumDependencyAge: config.minimumDependencyAge,
    exports: config.exports,
    name: config.name,
    about: Object.fromEntries(Object.entries(config).filter(([key]) => ABOUT.includes(key))),
  };
}

function mapOf(files: Files, file: string, importMap: unknown): ImportMap {
  if (importMap === undefined) return NO_IMPORTS;
  if (typeof importMap !== "string")
    throw new Problem("invalid_source", `${file}: importMap must be a path.`);
  if (/^https?:/i.test(importMap)) {
    throw new Problem(
      "invalid_source",
      `${file}: importMap: ${quote(importMap)} is not in the source; put the file beside ${file}.`,
    );
  }
  const path = pathInside(folderOf(file), importMap, `${file}: importMap`);
  if (files.has(path)) return readMapFile(files, path);
  throw new Problem("invalid_source", `${file}: importMap names ${quote(path)}, which is not in the source.`);
}

function readMapFile(files: Files, file: string): ImportMap {
  return readImportMap(readJson(files, file) ?? {}, { folder: folderOf(file), file });
}
