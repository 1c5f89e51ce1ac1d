import type { Git } from "../program/git.ts";
import { FOLDER, type ListOptions, listTree, type TreeEntry } from "../tree/list-tree.ts";
import { readBlobs } from "../tree/read-blobs.ts";

export type PlaceOptions = Omit<ListOptions, "isDeep" | "hasSizes" | "path"> & { readonly path: string };

/** A settings file is never as large. */
const MOST_BYTES = 1024 ** 2;

/** Returns what a tree has at a path. */
export async function kindAt(git: Git, options: PlaceOptions): Promise<"file" | "folder" | undefined> {
  const entry = await entryAt(git, options);
  if (entry === undefined) return undefined;
  return entry.mode === FOLDER ? "folder" : "file";
}

/** Reads a small regular file of a commit; undefined if there is none. */
async function readFileAt(git: Git, options: PlaceOptions): Promise<Uint8Array | undefined> {
  const entry = await entryAt(git, options);
  if (!entry?.mode.startsWith("100") || (entry.sizeBytes ?? 0) > MOST_BYTES) return undefined;
  return (await readBlobs(git, { ...options, ids: [entry.id] })).get(entry.id);
}

export interface ManifestText {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Reads the first of some files that a commit has at its root. */
export async function manifestAt(
  git: Git,
  options: Omit<PlaceOptions, "path">,
  names: readonly string[],
): Promise<ManifestText | undefined> {
  for (const file of names) {
    const bytes = await readFileAt(git, { ...options, path: file });
    if (bytes !== undefined) return { file, bytes };
  }
  return undefined;
}

async function entryAt(git: Git, options: PlaceOptions): Promise<TreeEntry | undefined> {
  const [entry] = await listTree(git, { ...options, isDeep: false, hasSizes: true }, (entries) =>
    Array.fromAsync(entries),
  );
  return entry;
}
