import type { Git } from "../program/git.ts";
import { records, streamGit } from "./stream-git.ts";
import type { CommitOptions } from "./tree.ts";

/** Longest path of a file in a tree. */
export const MOST_PATH_BYTES = 1_000;
export const FOLDER = "040000";
export const LINK = "120000";
/** Git shows modes that it does not know as this one. */
export const SUBMODULE = "160000";
/** Mode, type, id and size of an entry before its path. */
const HEAD_BYTES = 100;

export interface TreeEntry {
  /** `100644` or `100755`, or another one below. */
  readonly mode: string;
  readonly id: string;
  /** Undefined for folders and submodules, and if no sizes are asked for. */
  readonly sizeBytes: number | undefined;
  /** At most one byte more than `MOST_PATH_BYTES`: a longer path is cut. */
  readonly path: Buffer;
}

export interface ListOptions extends CommitOptions {
  /** Only this file or folder; by default all. */
  readonly path?: string | undefined;
  /** Lists what is in folders as well, after the folder itself. */
  readonly isDeep: boolean;
  /** Git opens every file for its size. */
  readonly hasSizes: boolean;
}

/** Lists a tree as git walks it: folders may hold each other a billion times, so `read` stops it in time. */
export function listTree<T>(
  git: Git,
  { commit, path, isDeep, hasSizes, repository, objects, signal }: ListOptions,
  read: (entries: AsyncIterable<TreeEntry>) => Promise<T>,
): Promise<T> {
  const args = [
    "ls-tree",
    ...(isDeep ? ["-r", "-t"] : []),
    ...(hasSizes ? ["-l"] : []),
    "-z",
    "--full-tree",
    commit,
  ];
  const options = { repository, objects, signal };
  return streamGit(git, path === undefined ? args : [...args, "--", path], options, (output) =>
    read(entriesOf(output)),
  );
}

async function* entriesOf(output: AsyncIterable<Uint8Array>): AsyncGenerator<TreeEntry> {
  for await (const record of records(output, HEAD_BYTES + MOST_PATH_BYTES)) {
    const tab = record.indexOf("\t");
    const [mode, , id, size] = record.subarray(0, tab).toString("latin1").split(/ +/);
    if (mode === undefined || id === undefined) throw new Error("git ls-tree printed an entry without an id");
    const path = record.subarray(tab + 1, tab + 2 + MOST_PATH_BYTES);
    yield { mode, id, sizeBytes: /^\d+$/.test(size ?? "") ? Number(size) : undefined, path };
  }
}
