import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { UsageError } from "../usage-error.ts";
import { archive } from "./archive.ts";
import { folderFiles, type SourceFile } from "./folder-files.ts";
import { importedFiles, mayImportFiles } from "./imported-files.ts";

/** What is posted, and which files of this machine it is made of. */
export interface LocalSource {
  readonly bytes: Uint8Array;
  /** The setting `entry` of a module and its imports; empty for a module alone, undefined if the source determines it. */
  readonly entry: string | undefined;
  /** Paths of the files from `cwd`, by their names in the source. Build errors use these names. */
  readonly files: ReadonlyMap<string, string>;
  /** Folders in which a change may change the source. */
  readonly folders: readonly string[];
}

const CODE = /\.[mc]?[jt]sx?$/;
const COMMON_NAMES = new Set(["main", "mod", "index", "server", "app", "src"]);
const MOST_NAME = 52;

/**
 * Reads a module with the files that it imports, an archive, or a folder.
 * @param path absolute @throws UsageError
 */
export async function readSource(path: string, cwd: string): Promise<LocalSource> {
  const byPath = (files: readonly SourceFile[]) =>
    new Map(files.map(({ path: name, file }) => [name, relative(cwd, file)]));
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new UsageError(`${relative(cwd, path)} does not exist: name a file or a folder.`);
  if (stat.isDirectory()) {
    const { files, folders } = folderFiles(path);
    if (files.length === 0) throw new UsageError(`${relative(cwd, path) || "This folder"} has no files.`);
    return { bytes: await archive(files), entry: undefined, files: byPath(files), folders };
  }
  const bytes = readFileSync(path);
  const isCode = CODE.test(path);
  const imported = isCode && mayImportFiles(bytes.toString()) ? await importedFiles(path) : undefined;
  const folders = imported?.folders ?? [dirname(path), dirname(realpathSync(path))];
  if (imported !== undefined && imported.files.length > 1) {
    const { files, entry } = imported;
    return { bytes: await archive(files), entry, files: byPath(files), folders };
  }
  // Skiff gives the one file of a source this name.
  return { bytes, entry: isCode ? "" : undefined, files: byPath([{ path: "main.ts", file: path }]), folders };
}

/**
 * Returns the name that a function gets from its path: `hello` for `hello.ts`, `hello/` and `hello/main.ts`.
 * @throws UsageError if that is no name
 */
export function nameFromPath(path: string): string {
  const full = resolve(path);
  const own = basename(full).replace(/\.(?:[mc]?[jt]sx?|tar|tar\.gz|tgz|zip)$/, "");
  const isFile = own !== basename(full);
  const given = isFile && COMMON_NAMES.has(own) ? basename(dirname(full)) : own;
  const name = given
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, MOST_NAME);
  if (name !== "") return name;
  throw new UsageError(`${path} gives no name to the function: choose one with --name NAME.`);
}
