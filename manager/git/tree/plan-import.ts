import type { Git } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { FOLDER, listTree, SUBMODULE } from "./list-tree.ts";
import { canStore, isForGit } from "./path-rules.ts";
import { type NewCommit, PREVIOUS } from "./tree.ts";

/** A file, link or folder that is in the repository, or that has a mark because the import writes it. */
export interface Entry {
  readonly mode: string;
  /** An id, or `:` and a mark. */
  readonly object: string;
}

/** What an import writes, in this order. */
export interface PlannedCommit {
  readonly commit: NewCommit;
  readonly mark: number;
  /** `:` and a mark, or an id; undefined for a commit without a parent. */
  readonly from: string | undefined;
  /** Empty for the whole tree. */
  readonly removed: readonly string[];
  /** By path; the empty path is the whole tree. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly files: readonly PlannedFile[];
}

export interface PlannedFile {
  readonly path: string;
  readonly mode: string;
  readonly content: Uint8Array;
  /** Set for a file that later commits of the import may take over. */
  readonly mark: number | undefined;
}

type Entries = ReadonlyMap<string, Entry>;
const NONE: Entries = new Map();
/** More than a tree that is deployed has. Another one may have folders without end. */
const MOST_ENTRIES = 50_000;

/** Finds what commits take over from others, and gives marks. */
export async function planImport(
  git: Git,
  repository: string,
  commits: readonly NewCommit[],
): Promise<PlannedCommit[]> {
  const planned: PlannedCommit[] = [];
  let marks = commits.length;
  /** Files for git in the tree of the commit before. */
  let kept: Entries = NONE;
  for (const [index, commit] of commits.entries()) {
    const { parent, treeOf, executables } = commit;
    if (parent === PREVIOUS && index === 0) throw new Error("The first commit has no previous one");
    if (parent === undefined) kept = NONE;
    else if (parent !== PREVIOUS) kept = await gitFilesOf(git, repository, parent);
    const removed = removedBy(commit);
    const isReplaced = (path: string) =>
      removed.length === 0 || removed.some((top) => path === top || path.startsWith(`${top}/`));
    let entries: Entries | undefined;
    if (treeOf !== undefined) {
      entries = await entriesAt(git, { repository, commit: treeOf, paths: removed });
      const theirs = [...(await gitFilesOf(git, repository, treeOf))].filter(([path]) => isReplaced(path));
      kept = new Map([...[...kept].filter(([path]) => !isReplaced(path)), ...theirs]);
    }
    const files = [...commit.files]
      .filter(([path]) => canStore(path))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([path, content]) => ({
        path,
        content,
        mode: executables?.has(path) ? "100755" : "100644",
        mark: isForGit(path) ? ++marks : undefined,
      }));
    kept = besides(kept, files);
    entries ??= new Map([...kept].filter(([path]) => isReplaced(path)));
    const written = files.flatMap(({ path, mode, mark }) =>
      mark === undefined ? [] : [[path, { mode, object: `:${mark}` }] as const],
    );
    kept = new Map([...kept, ...written]);
    const from = parent === PREVIOUS ? `:${index}` : parent;
    planned.push({ commit, mark: index + 1, from, removed, entries, files });
  }
  return planned;
}

function removedBy({ replaces }: NewCommit): readonly string[] {
  return replaces === undefined || replaces.some((path) => path === "." || path === "") ? [] : replaces;
}

/** Entries whose path no file takes, also not as a folder. */
function besides(entries: Entries, files: readonly PlannedFile[]): Entries {
  const taken = new Set(files.map(({ path }) => path));
  const isTaken = (path: string) => {
    const names = path.split("/");
    return (
      names.some((_, at) => taken.has(names.slice(0, at + 1).join("/"))) ||
      files.some((file) => file.path.startsWith(`${path}/`))
    );
  };
  return new Map([...entries].filter(([path]) => !isTaken(path)));
}

function gitFilesOf(git: Git, repository: string, commit: CommitId): Promise<Entries> {
  return listTree(git, { repository, commit, isDeep: true, hasSizes: false }, async (entries) => {
    const found = new Map<string, Entry>();
    let count = 0;
    for await (const { path, mode, id } of entries) {
      if (++count > MOST_ENTRIES) break;
      const name = path.toString();
      if (mode !== FOLDER && mode !== SUBMODULE && isForGit(name)) found.set(name, { mode, object: id });
    }
    return found;
  });
}

interface Places {
  readonly repository: string;
  readonly commit: CommitId;
  /** Empty for the whole tree. */
  readonly paths: readonly string[];
}

async function entriesAt(git: Git, { repository, commit, paths }: Places): Promise<Entries> {
  if (paths.length === 0) {
    const id = await git.run(["rev-parse", "--verify", `${commit}^{tree}`], { repository });
    return new Map([["", { mode: FOLDER, object: id.toString().trim() }]]);
  }
  const found = new Map<string, Entry>();
  for (const path of paths) {
    const [entry] = await listTree(
      git,
      { repository, commit, path, isDeep: false, hasSizes: false },
      (entries) => Array.fromAsync(entries),
    );
    if (entry) found.set(path, { mode: entry.mode, object: entry.id });
  }
  return found;
}
