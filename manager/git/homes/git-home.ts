import type { InstalledGit } from "../program/find-git.ts";
import type { Home } from "./home.ts";
import type { HomeGlance } from "./look-at-folder.ts";

/** Where a manager has its repositories. */
export interface GitHome {
  /** The folder for what git needs besides repositories. */
  readonly folder: string;
  /** The variable `PATH`, in whose folders git is found. */
  readonly path: string | undefined;
  /** Finds out without git whether there is something to do. Absent: perhaps. */
  readonly look?: () => Promise<HomeGlance>;
  /** @throws Problem where repositories cannot be kept */
  readonly open: (git: InstalledGit["git"]) => Promise<Home>;
}

/** Looks at repositories as far as that is cheap. */
export async function glance({ look }: GitHome): Promise<HomeGlance> {
  return (await look?.()) ?? { hasRepositories: true, isUnfinished: true };
}
