import type { Dirent } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { branchRef, type CommitId } from "../repository.ts";
import { writeDurably } from "./files/durable-files.ts";

const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
const FOLDERS = ["objects/pack", "objects/info", "refs/heads", "refs/tags"];
const REF = /^refs\/[^\0-\x20]+$/;
/** Refs of Skiff, which git shows nobody. */
const HIDDEN = "refs/skiff/";
const ID = /^[0-9a-f]{40}$/;

/**
 * Makes an empty bare repository, as `git init` does, without its template and without a process. Completes one that a
 * killed Skiff began; its branch stays.
 */
export async function initRepository(path: string, branch: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true });
  await setText(join(path, "config"), CONFIG);
  if (!(await textOf(join(path, "HEAD")))) await setHead(path, branch);
}

/** Points HEAD to a branch, which clones check out. */
export function setHead(path: string, branch: string): Promise<void> {
  return setText(join(path, "HEAD"), `ref: ${branchRef(branch)}\n`);
}

/** Returns the commit of a ref; undefined if there is no such ref. Costs no process. */
export async function readRef(path: string, ref: string): Promise<CommitId | undefined> {
  return (await looseRef(path, ref)) ?? (await packedRefs(path)).get(ref);
}

/** Returns the commit of a ref that has a file of its own, which counts more than a packed one. */
export async function looseRef(path: string, ref: string): Promise<CommitId | undefined> {
  if (!REF.test(ref) || ref.includes(".."))
    throw new Error(`${JSON.stringify(ref)} is not the name of a ref`);
  const text = (await textOf(join(path, ref)))?.trim();
  return text !== undefined && ID.test(text) ? text : undefined;
}

/** Returns the commits of all refs in the file `packed-refs`. */
export async function packedRefs(path: string): Promise<ReadonlyMap<string, CommitId>> {
  const lines = ((await textOf(join(path, "packed-refs"))) ?? "").split("\n");
  // Lines with `#` are remarks, those with `^` are what the tag before them points to.
  const refs = lines.filter((line) => /^[0-9a-f]/.test(line));
  return new Map(refs.map((line) => [line.slice(41), line.slice(0, 40)]));
}

/** Returns the commits of all refs that anybody may see. */
export async function allRefs(path: string): Promise<Map<string, CommitId>> {
  // Files first: one that is packed meanwhile is found then.
  const loose = await looseRefs(path);
  const refs = new Map([...(await packedRefs(path)), ...loose]);
  for (const ref of refs.keys()) if (ref.startsWith(HIDDEN)) refs.delete(ref);
  return refs;
}

async function looseRefs(path: string): Promise<[string, CommitId][]> {
  const refs: [string, CommitId][] = [];
  for (const ref of await refFiles(path)) {
    const id = REF.test(ref) ? await looseRef(path, ref) : undefined;
    if (id !== undefined) refs.push([ref, id]);
  }
  return refs;
}

/** Lists the files of refs, whatever their content. Leaves out locks: git may be about to move their refs. */
export async function refFiles(path: string, folder = "refs"): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(join(path, folder))) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await refFiles(path, name)));
    else if (!name.endsWith(".lock")) files.push(name);
  }
  return files;
}

/** Git removes folders of refs that are empty. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function setText(file: string, text: string): Promise<void> {
  if ((await textOf(file)) !== text) await writeDurably(file, text);
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    // A part of the name is a file, or the name is a folder of refs.
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}
