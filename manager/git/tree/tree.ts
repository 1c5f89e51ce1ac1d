import type { GitScope } from "../program/git.ts";
import type { CommitId } from "../repository.ts";

/** The files of a commit by path, in the order of their names. */
export type TreeFiles = ReadonlyMap<string, Uint8Array>;

/** The files of a commit that are its source. */
export interface SourceTree extends TreeFiles {
  /** Paths of those that the commit marks as executable. */
  readonly executables: ReadonlySet<string>;
}

/** Bounds of a tree that is deployed. */
export interface TreeLimits {
  /** Bytes of all files. */
  readonly bytes: number;
  readonly files: number;
}

/** The parent of a commit that is written with the one before it. */
export const PREVIOUS = "previous";

/** A commit to write. Equal values make equal commits. */
export interface NewCommit {
  /** A commit of the repository, or `PREVIOUS`. */
  readonly parent: CommitId | typeof PREVIOUS | undefined;
  /** The files by their path from the root of the tree. */
  readonly files: TreeFiles;
  readonly executables?: ReadonlySet<string> | undefined;
  /** The files and folders of the parent that `files` replaces; by default the whole tree. The rest stays. */
  readonly replaces?: readonly string[] | undefined;
  /** A commit whose content comes in place of what is replaced. `files` are written over it. */
  readonly treeOf?: CommitId | undefined;
  /** Name of the author, such as `key ci (k1a2b3)`. Its address is made of it. */
  readonly author: string;
  readonly at: Date;
  readonly message: string;
}

/** Most files of a commit; archives of sources have the same bound. */
export const MOST_FILES = 20_000;

/** Names a commit to read. */
export interface CommitOptions extends GitScope {
  readonly commit: CommitId;
}

/** A commit as it is read. */
export interface Commit {
  readonly id: CommitId;
  readonly parents: readonly CommitId[];
  readonly author: string;
  readonly email: string;
  readonly at: Date;
  /** The first line of its message. */
  readonly subject: string;
  /** The rest of its message. */
  readonly body: string;
}
