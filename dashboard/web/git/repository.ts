import type { Share } from "../function/traffic.ts";

/** A repository as `GET /git` lists it. */
export interface RepositorySummary {
  readonly name: string;
  /** What git clones. */
  readonly url: string;
  /** The branch that deploys. */
  readonly branch: string;
  /** Its newest commit. */
  readonly head: string | null;
  readonly isGroup: boolean;
  readonly functions: readonly string[];
  readonly updatedAt: string;
}

/** `GET /git/NAME` */
export interface Repository extends Omit<RepositorySummary, "functions"> {
  readonly functions: readonly Member[];
  readonly bytes: number;
  readonly mirror: Mirror | null;
}

export interface Member {
  readonly name: string;
  /** Its file or folder; `.` for the whole repository. */
  readonly path: string;
  /** The version that has the source of the newest commit. */
  readonly version: number | null;
  readonly traffic: readonly Share[];
}

export interface Mirror {
  readonly url: string;
  readonly direction: "pull" | "push";
  readonly branch?: string;
  readonly last: { readonly at: string; readonly commit?: string; readonly error?: string } | null;
}

/** A commit as `GET /git/NAME/commits` lists it. */
export interface Commit {
  readonly id: string;
  readonly author: string;
  readonly email: string;
  readonly at: string;
  readonly subject: string;
  readonly body: string;
  /** The newest kept version with its source, by function. */
  readonly versions: Readonly<Record<string, number>>;
}

export const SHORT_ID = 7;

/** The path of a repository in the API. */
export function repositoryPath(name: string): string {
  return `/git/${encodeURIComponent(name)}`;
}
