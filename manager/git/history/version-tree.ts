import type { Limits } from "../../../platform/limits.ts";
import type { Platform } from "../../../platform/platform.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { Git } from "../program/git.ts";
import type { CommitId, FunctionState } from "../repository.ts";
import type { NewCommit, TreeFiles } from "../tree/tree.ts";

/** What it takes to make commits of versions. */
export interface WriterMeans {
  readonly git: Git;
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** Who changed the traffic just now, if that is known. */
  readonly by?: string;
}

/** What a commit has of a version. */
export interface VersionTree extends Pick<NewCommit, "files" | "executables" | "replaces" | "treeOf"> {
  /** Where the function is in the tree now. */
  readonly path: string;
  readonly bytes: number;
}

export interface TreePlace {
  readonly state: FunctionState;
  /** The commit on which the tree comes. */
  readonly tip: CommitId | null;
  /** A commit with the source of the version. */
  readonly alike?: CommitId | undefined;
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

export function sizeOf(files: TreeFiles): number {
  return [...files.values()].reduce((sum, { length }) => sum + length, 0);
}
