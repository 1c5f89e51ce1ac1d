import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { UsageError } from "../usage-error.ts";
import { archive } from "./archive.ts";
import { folderFiles, type SourceFile } from "./folder-files.ts";
import { imageManifest } from "./image-manifest.ts";
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
/** Endings that are no part of a name. */
const ENDING = /\.(?:[mc]?[jt]sx?|tar|tar\.gz|tgz|zip|sh|bash|py|rb|pl|php|lua|awk|cgi|bin)$/;
const COMMON_NAMES = new Set(["main", "mod", "index", "server", "app", "src", "handler"]);
const MOST_NAME = 52;

export interface ReadOptions {
  /** Paths of files are shown from here. */
  readonly cwd: string;
  /** The settings of the deploy. The imports of a program are not followed. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads a module with the files that it imports, a program, an archive, or a folder.
 * @param path absolute @throws UsageError
 */
export async function readSource(path: string, { cwd, fields }: ReadOptions): Promise<LocalSource> {
  const byPath = (files: readonly SourceFile[]) =>
    new Map(files.map(({ path: name, file }) => [name, relative(cwd, file)]));
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new UsageError(`${relative(cwd, path)} does not exist: name a file or a folder.`);
  if (stat.isDirectory()) {
    const { files, folders } = folderFiles(path);
    if (files.length === 0) throw new UsageError(`${relative(cwd, path) || "This folder"} has no files.`);
    const manifest = await imageManifest(files);
    if (manifest !== undefined) throw namedImage(relative(cwd, path) || ".", manifest);
    return { bytes: await archive(files), entry: undefined, files: byPath(files), folders };
  }
  const bytes = readFileSync(path);
  const isProgram = fields.some(([name, value]) => name === "runtime" && value === "program");
  const isCode = CODE.test(path) && !isProgram;
  const imported = isCode && mayImportFiles(bytes.toString()) ? await importedFiles(path) : undefined;
  const folders = imported?.folders ?? [dirname(path), dirname(realpathSync(path))];
  if (imported !== undefined && imported.files.length > 1) {
    const { files, entry } = imported;
    return { bytes: await archive(files), entry, files: byPath(files), folders };
  }
  // Skiff gives the one file of a source this name.
  return { bytes, entry: isCode ? "" : undefined, files: byPath([{ path: "main.ts", file: path }]), folders };
}

function namedImage(folder: string, manifest: string): UsageError {
  const file = folder === "." ? manifest : `${folder}/${manifest}`;
  return new UsageError(
    `${file} names an image: deploy it with "skiff apply ${folder}", or an image alone with "skiff deploy --image IMAGE".`,
  );
}

/**
 * Returns the name that a function gets from its image: `nginx` for `docker.io/library/nginx:1.27`.
 * @throws UsageError if that is no name
 */
export function nameFromImage(image: string): string {
  return asName(basename(image.replace(/@.*$/, "")).replace(/:.*$/, ""), image);
}

/**
 * Returns the name that a function gets from its path: `hello` for `hello.ts`, `hello/` and `hello/main.ts`.
 * @throws UsageError if that is no name
 */
export function nameFromPath(path: string): string {
  const full = resolve(path);
  const own = basename(full).replace(ENDING, "");
  const isFile = own !== basename(full);
  const given = isFile && COMMON_NAMES.has(own) ? basename(dirname(full)) : own;
  return asName(given, path);
}

/** @param from what it is the name of */
function asName(given: string, from: string): string {
  const name = given
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, MOST_NAME);
  if (name !== "") return name;
  throw new UsageError(`${from} gives no name to the function: choose one with --name NAME.`);
}
