import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { branchRef, type CommitId } from "../repository.ts";
import { writeDurably } from "./durable-files.ts";

const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
const REF = /^refs\/[^\0-\x20]+$/;
const ID = /^[0-9a-f]{40}$/;

/** Makes an empty bare repository, as `git init` does, without its template and without a process. */
export async function initRepository(path: string, branch: string): Promise<void> {
  await mkdir(join(path, "objects", "pack"), { recursive: true });
  await mkdir(join(path, "objects", "info"));
  await mkdir(join(path, "refs", "heads"), { recursive: true });
  await mkdir(join(path, "refs", "tags"));
  await writeFile(join(path, "config"), CONFIG);
  await writeFile(join(path, "HEAD"), headText(branch));
}

/** Points HEAD to a branch, which clones check out. */
export async function setHead(path: string, branch: string): Promise<void> {
  const file = join(path, "HEAD");
  if ((await textOf(file)) !== headText(branch)) await writeDurably(file, headText(branch));
}

/** Returns the commit of a ref; undefined if there is no such ref. Costs no process. */
export async function readRef(path: string, ref: string): Promise<CommitId | undefined> {
  if (!REF.test(ref) || ref.includes(".."))
    throw new Error(`${JSON.stringify(ref)} is not the name of a ref`);
  const loose = (await textOf(join(path, ref)))?.trim();
  if (loose !== undefined && ID.test(loose)) return loose;
  return (await packedRefs(path)).get(ref);
}

async function packedRefs(path: string): Promise<ReadonlyMap<string, CommitId>> {
  const lines = ((await textOf(join(path, "packed-refs"))) ?? "").split("\n");
  // Lines with `#` are remarks, those with `^` are what the tag before them points to.
  return new Map(
    lines.filter((line) => /^[0-9a-f]/.test(line)).map((line) => [line.slice(41), line.slice(0, 40)]),
  );
}

function headText(branch: string): string {
  return `ref: ${branchRef(branch)}\n`;
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
