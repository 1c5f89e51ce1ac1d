import type { Entries } from "../../../../runtime.ts";
import type { Files } from "../archive.ts";
import { readCommonJs } from "./commonjs.ts";
import { readCompilerOptions } from "./config/compiler-options.ts";
import { findDenoConfig } from "./config/deno-config.ts";
import { type ImportMap, mergeImportMaps } from "./config/import-map.ts";
import { encodeJson, type JsonObject } from "./config/json-file.ts";
import { moveLock } from "./config/lock.ts";
import { dropNpmrc } from "./config/npmrc.ts";
import { findTypeScriptConfig } from "./config/tsconfig.ts";
import { aliasImports } from "./config/tsconfig-paths.ts";
import { ALWAYS } from "./config/unstable.ts";
import { findEntry } from "./entry/entry.ts";
import { completeJsx } from "./jsx-library.ts";
import { readPackages } from "./packages/packages.ts";
import { folderOf } from "./paths.ts";
import { mapPlainImports } from "./plain-imports.ts";
import { reachableSources } from "./reachable.ts";
import { takeSettings } from "./settings-file.ts";
import { nameSingleFile } from "./single-file.ts";
import { Sources } from "./sources.ts";
import { tidyTree } from "./tree.ts";
import { moveVendor } from "./vendor-folder.ts";

/** A source as Deno runs it. */
export interface Project {
  /**
   * Files of the folder that an instance sees, by path: the posted ones, with the generated deno.json (always) and
   * package.json (if posted, or if packages of the source need others).
   */
  readonly files: Files;
  /** Path of the main module in `files`. */
  readonly entry: string;
  /**
   * Modules whose imports are installed at the deploy, all of them entry points of one `deno install`: the main module, and
   * one that imports the dependencies of package.json.
   */
  readonly roots: readonly string[];
  /** Settings that a `skiff.yaml` declares, as parsed; the deploy validates them. The file is not part of `files`. */
  readonly settings?: JsonObject;
}

/** Name of a single posted file before its content is known. */
const SINGLE = "main.ts";
/**
 * Files that Deno would read beside the generated deno.json. Their meaning is part of it. Deno takes a tsconfig.json for
 * itself as soon as a deno.json is beside it, also values such as `jsx: preserve` that no program can run with.
 */
const REPLACED = ["deno.jsonc", "tsconfig.json", "jsconfig.json"];

/**
 * Reads a source as a project: finds its main module, and writes the one deno.json that says everything that its
 * configuration files say about running it.
 * @throws Problem `invalid_source`; `build_failed` if JSX has no library
 */
export async function readProject(posted: Files, { entry: wanted, formerEntry }: Entries): Promise<Project> {
  const files = tidyTree(posted);
  const settings = takeSettings(files);
  dropNpmrc(files);
  const declared = typeof settings?.entry === "string" ? settings.entry : formerEntry;
  const entry = (await renameSingle(files)) ?? findEntry(files, wanted ?? declared);
  const { config, installRoot } = await completeConfig(files, entry);
  for (const name of REPLACED) files.delete(name);
  files.set("deno.json", encodeJson(config));
  const roots = installRoot === undefined ? [entry] : [entry, installRoot];
  return { files, entry, roots, ...(settings && { settings }) };
}

/** Gives a single posted file the name that its syntax needs; undefined if there are others. */
async function renameSingle(files: Map<string, Uint8Array>): Promise<string | undefined> {
  const bytes = files.size === 1 ? files.get(SINGLE) : undefined;
  if (!bytes) return undefined;
  const name = await nameSingleFile(bytes);
  files.delete(SINGLE);
  files.set(name, bytes);
  return name;
}

interface Completed {
  /** The content of deno.json. */
  readonly config: JsonObject;
  readonly installRoot: string | undefined;
}

/** Makes the deno.json, and adds the files that it needs. */
async function completeConfig(files: Map<string, Uint8Array>, entry: string): Promise<Completed> {
  const folder = folderOf(entry);
  const deno = findDenoConfig(files, folder);
  const typescript = findTypeScriptConfig(files, folder);
  moveLock(files, deno.folder);
  const sources = new Sources(files);
  const written = {
    ...(typescript && readCompilerOptions(typescript.options, typescript.file)),
    ...readCompilerOptions(deno.options, deno.file),
  };
  const packages = readPackages(files, { folder, sources, deno, jsxSource: written.jsxImportSource });
  const denoPaths = {
    file: deno.file,
    options: deno.options,
    pathsFolder: deno.folder,
    baseFolder: undefined,
  };
  const aliases = [denoPaths, ...(typescript ? [typescript] : [])].map(
    (each): ImportMap => ({ imports: aliasImports(files, each, sources.strings), scopes: {} }),
  );
  const map = mergeImportMaps(deno.map, ...aliases, packages.map);
  const declares = (name: string) => packages.has(name) || Object.hasOwn(map.imports, name);
  const reachable = reachableSources(files, sources, { entry, imports: map.imports });
  const commonJs = await readCommonJs(files, reachable, { sources, declares });
  const compilerOptions = await completeJsx({ reachable, sources, options: written, declares });
  const plain: ImportMap = { imports: commonJs.imports, scopes: mapPlainImports(files, sources) };
  const { imports, scopes } = moveVendor(files, mergeImportMaps(map, plain));
  const unstable = new Set([...ALWAYS, ...deno.unstable, ...(commonJs.isDetected ? ["detect-cjs"] : [])]);
  const config = {
    // At the root the file has the path of the posted one.
    ...(deno.folder === "" ? deno.about : {}),
    imports,
    scopes,
    compilerOptions,
    unstable: [...unstable],
    links: deno.links.length > 0 ? deno.links.map((link) => `./${link}`) : undefined,
    minimumDependencyAge: deno.minimumDependencyAge,
  };
  return { config, installRoot: packages.installRoot };
}
