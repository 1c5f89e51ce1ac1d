import type { RouteRules, Traffic, VersionNote } from "../../platform/platform.ts";

/** The full id of a commit: 40 hexadecimal digits in lower case. */
export type CommitId = string;

/** What is known of a repository besides the objects and refs of git. Plain JSON. */
export interface RepositoryState {
  /** The branch whose commits are deployed, such as `main`. */
  readonly branch: string;
  /** Whether its `skiff.yaml` declares its functions. Otherwise it belongs to the function with its name. */
  readonly isGroup: boolean;
  /** The commit that the branch is at, or is moved to; null before the first one. */
  readonly tip: CommitId | null;
  readonly functions: Readonly<Record<string, FunctionState>>;
  /** A push whose versions are stored, and which may have begun to take calls. */
  readonly pending?: PendingPush | undefined;
  readonly mirror?: Mirror | undefined;
}

/** A function of a repository. */
export interface FunctionState {
  /** Its file or folder in the tree; `.` for the whole tree, empty for an image. */
  readonly path: string;
  /** The version whose source the tip of the branch has; 0 if there is none. */
  readonly version: number;
  /** The version that had all calls when that was last looked at: another one means a rollback. 0 if there was none. */
  readonly serving: number;
  /** The commit of each kept version, by its number. */
  readonly versions: Readonly<Record<string, VersionCommit>>;
}

export interface VersionCommit {
  readonly commit: CommitId;
  /** The hash of the version: a function that was removed and made anew uses its numbers again. */
  readonly hash: string;
}

/** A push to the branch that deploys, from before its versions are made until they take their traffic. */
export interface PendingPush {
  /** The tip of the branch once every function has its new traffic. */
  readonly commit: CommitId;
  /** The tip before; null for the first push. */
  readonly former: CommitId | null;
  /** The manager that works on it. */
  readonly owner: string;
  /** Until when nobody else touches it, in milliseconds since 1970. */
  readonly until: number;
  /** The branch that deploys, which a first push chooses. */
  readonly branch: string;
  readonly isGroup: boolean;
  /** The path of every function of the tree, also of those that stay as they are. */
  readonly paths: Readonly<Record<string, string>>;
  /** Functions that did not exist before. */
  readonly created: readonly string[];
  /** Of the versions, flows and other objects of the push. */
  readonly note: VersionNote;
  /** What changes. Absent while versions are being made: nothing takes other calls then. */
  readonly changes?: PendingChanges;
  /** Whether one of the changes failed: those that were made are undone. */
  readonly isRefused?: boolean;
}

export interface PendingChanges {
  /** Functions that change, by name. */
  readonly switches: Readonly<Record<string, PendingSwitch>>;
  /** The version of each function that stays as it is. */
  readonly unchanged: Readonly<Record<string, number>>;
  /** Topics, flows, subscriptions and schedules that change, in the order in which they are put. */
  readonly objects: readonly PendingObject[];
}

export interface PendingObject {
  /** Such as `Topic`. */
  readonly kind: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** The spec before; absent for a new object. */
  readonly former?: Readonly<Record<string, unknown>>;
}

export interface PendingSwitch {
  /** The version that the push made, or found. */
  readonly version: number;
  /** Its hash. */
  readonly hash: string;
  /** The traffic that it gets; empty if no version of the push takes calls. */
  readonly traffic: Traffic;
  readonly rules: Omit<RouteRules, "expected">;
  /** What the function had before; absent for a new one. */
  readonly former?: {
    readonly version: number;
    readonly traffic: Traffic;
    readonly rules: Omit<RouteRules, "expected">;
  };
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
  /** Whether the first `pull` may replace what has no commit in common with it. */
  readonly force?: boolean;
  /** The commit there that was deployed last, with `pull`. */
  readonly followed?: CommitId;
  /** How the last attempt ended. */
  readonly last?: { readonly at: number; readonly commit?: CommitId; readonly error?: string };
}

/** What a push asks of one ref. The id of a ref that does not exist is `NO_COMMIT`. */
export interface RefUpdate {
  readonly ref: string;
  readonly from: CommitId;
  readonly to: CommitId;
}

export const NO_COMMIT: CommitId = "0".repeat(40);
const DEFAULT_BRANCH = "main";

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** The name of a branch or tag, for people. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, "");
}

/** The id of a commit, for people. */
export function shortId(id: CommitId): string {
  return id.slice(0, 7);
}

/** The state of a repository without commits. */
export function emptyState(): RepositoryState {
  return { branch: DEFAULT_BRANCH, isGroup: false, tip: null, functions: {} };
}
