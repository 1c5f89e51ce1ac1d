import type { CommitId } from "../repository.ts";

/** The files of a commit by path, in the order of their names. */
export type TreeFiles = ReadonlyMap<string, Uint8Array>;

/** Bounds of a tree that is deployed. */
export interface TreeLimits {
  /** Bytes of all files. */
  readonly bytes: number;
  readonly files: number;
}

/** A commit to write. Equal values make equal commits. */
export interface NewCommit {
  readonly parent: CommitId | undefined;
  /** The whole tree. */
  readonly files: TreeFiles;
  /** Name of the author, such as `key ci (k1a2b3)`. Its address is made of it. */
  readonly author: string;
  readonly at: Date;
  readonly message: string;
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
