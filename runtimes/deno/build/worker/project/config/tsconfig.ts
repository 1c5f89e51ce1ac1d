import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { folderOf, foldersUp, join, resolvePath } from "../paths.ts";
import { optionsOf } from "./compiler-options.ts";
import { type JsonObject, readJson } from "./json-file.ts";

const NAMES = ["tsconfig.json", "jsconfig.json"];
const MAX_EXTENDS = 20;

/** The compiler options of a tsconfig.json, with those that it extends. */
export interface TypeScriptConfig {
  readonly file: string;
  readonly options: JsonObject;
  /** Folder that `paths` are relative to. */
  readonly pathsFolder: string;
  /** Folder that bare imports are looked up in. */
  readonly baseFolder: string | undefined;
}

/** Finds the file nearest to `folder`. */
export function findTypeScriptConfig(files: Files, folder: string): TypeScriptConfig | undefined {
  const file = foldersUp(folder)
    .flatMap((each) => NAMES.map((name) => join(each, name)))
    .find((path) => files.has(path));
  return file === undefined ? undefined : readTypeScriptConfig(files, file, []);
}

/** @throws Problem `invalid_source` if a file is no JSON, or extends itself */
function readTypeScriptConfig(files: Files, file: string, seen: readonly string[]): TypeScriptConfig {
  if (seen.includes(file) || seen.length >= MAX_EXTENDS) {
    throw new Problem(
      "invalid_source",
      `${file}: extends leads back to the file, or is ${MAX_EXTENDS} files deep.`,
    );
  }
  const folder = folderOf(file);
  const config = readJson(files, file) ?? {};
  const bases = [config.extends ?? []].flat().flatMap((name) => {
    const base = typeof name === "string" ? extendedFile(files, folder, name) : undefined;
    return base === undefined ? [] : [readTypeScriptConfig(files, base, [...seen, file])];
  });
  const own = optionsOf(config, file);
  const inherited: JsonObject = Object.assign({}, ...bases.map(({ options }) => options));
  const baseUrl = typeof own.baseUrl === "string" ? resolvePath(folder, own.baseUrl) : undefined;
  const baseFolder =
    baseUrl?.replace(/\/$/, "") ?? bases.findLast((base) => base.baseFolder !== undefined)?.baseFolder;
  const inheritedPaths = bases.findLast(({ options }) => options.paths !== undefined);
  return {
    file,
    options: { ...inherited, ...own },
    baseFolder,
    pathsFolder: baseFolder ?? (own.paths === undefined ? (inheritedPaths?.pathsFolder ?? folder) : folder),
  };
}

/**
 * The file that `extends` names. Those of packages that are not in the archive hold options for checking types, by custom,
 * and are not read.
 */
function extendedFile(files: Files, folder: string, name: string): string | undefined {
  const isPath = /^\.\.?(\/|$)/.test(name);
  const folders = isPath ? [folder] : foldersUp(folder).map((each) => join(each, "node_modules"));
  const paths = folders.flatMap((each) => {
    const path = resolvePath(each, name);
    return path === undefined ? [] : [path, `${path}.json`, `${path}/tsconfig.json`];
  });
  const found = paths.find((path) => files.has(path));
  if (found !== undefined || !isPath) return found;
  throw new Problem(
    "invalid_source",
    `${join(folder, "tsconfig.json")}: extends names ${name}, which is not in the source.`,
  );
}
