import type { Share } from "../../platform/platform.ts";

/** The full id of a commit: 40 hexadecimal digits in lower case. */
export type CommitId = string;

/** What is known of a repository besides the objects and refs of git. Plain JSON. */
export interface RepositoryState {
  /** The branch whose commits are deployed, such as `main`. */
  readonly branch: string;
  /** Whether its `skiff.yaml` declares its functions. Otherwise it belongs to the function with its name. */
  readonly isGroup: boolean;
  readonly functions: Readonly<Record<string, FunctionState>>;
  /** A push whose versions are stored, and which may have begun to take calls. */
  readonly pending?: PendingPush | undefined;
  readonly mirror?: Mirror | undefined;
}

/** A function of a repository. */
export interface FunctionState {
  /** Its file or folder in the tree; `.` for the whole tree. */
  readonly path: string;
  /** The version whose source the tip of the branch has; 0 if there is none. */
  readonly version: number;
  /** The commit of each kept version, by its number. */
  readonly commits: Readonly<Record<string, CommitId>>;
}

export interface PendingPush {
  /** The tip of the branch once every function takes its new traffic. */
  readonly commit: CommitId;
  /** The tip before; null for the first push. */
  readonly former: CommitId | null;
  readonly isGroup: boolean;
  /** Functions that the push changes, with the traffic that they get; empty traffic for a version without calls. */
  readonly switches: Readonly<Record<string, PendingSwitch>>;
  /** The path of every function of the tree, also of those that stay as they are. */
  readonly paths: Readonly<Record<string, string>>;
}

export interface PendingSwitch {
  /** The version that the push deployed. */
  readonly version: number;
  /** The current version before; absent for a new function. */
  readonly former?: number;
  readonly traffic: readonly Share[];
}

/** Another repository that this one follows, or that follows this one. */
export interface Mirror {
  /** `https://` or `http://`, without credentials. */
  readonly url: string;
  /** `pull`: what is pushed there is deployed here. `push`: what is deployed here is pushed there. */
  readonly direction: "pull" | "push";
  /** The branch there; by default the one that deploys. */
  readonly branch?: string;
  /** The secret whose value is the password or token for the other repository, or `user:password`. */
  readonly secret?: string;
  /** The secret whose value signs the requests of its webhook. */
  readonly webhookSecret?: string;
}

/** What a push asks of one ref. The id of a ref that does not exist is `NO_COMMIT`. */
export interface RefUpdate {
  readonly ref: string;
  readonly from: CommitId;
  readonly to: CommitId;
}

export const NO_COMMIT: CommitId = "0".repeat(40);
export const DEFAULT_BRANCH = "main";

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}
