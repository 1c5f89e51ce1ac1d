import { Problem } from "../../../platform/problems.ts";
import type { Git } from "../program/git.ts";
import { type CommitId, shortId } from "../repository.ts";
import { isAncestor, isRelated, readCommits } from "../tree/read-commits.ts";

export interface FollowOptions {
  readonly repository: string;
  /** The folder with the fetched objects. */
  readonly objects: string;
  /** The commit that is deployed; null if there is none. */
  readonly tip: CommitId | null;
  /** The last commit that was deployed from the other repository. */
  readonly followed: CommitId | undefined;
  /** Whether what is deployed may give way to a history without a commit in common. */
  readonly isForced: boolean;
  /** What the branch there is at. */
  readonly head: CommitId;
  readonly signal: AbortSignal;
}

/**
 * How the branch gets to a fetched commit. `merge`: it has commits of its own, such as a roll-back or a deploy by the API.
 * What was pushed there is deployed nevertheless, as by any pipeline, and the merge keeps both histories.
 */
export type Step = "unchanged" | "forward" | "merge";

/** @throws Problem `mirror_failed` if the history there was rewritten, or is that of something else */
export async function planFollow(git: Git, options: FollowOptions): Promise<Step> {
  const { tip, followed, isForced, head, ...where } = options;
  if (tip === null) return "forward";
  if (head === tip) return "unchanged";
  const has = (ancestor: CommitId, of: CommitId) => isAncestor(git, { ...where, ancestor, of });
  if (followed !== undefined && !(await has(followed, head))) {
    const detail = `The history there was rewritten: ${shortId(followed)}, which was deployed from there, is not in that of ${shortId(head)}. Push a commit on top of it, or set the mirror again to follow the new history.`;
    throw new Problem("mirror_failed", detail);
  }
  if (followed === undefined && !isForced && !(await isRelated(git, { ...where, commits: [tip, head] }))) {
    const detail = `${shortId(head)} there and ${shortId(tip)}, which is deployed, have no commit in common: merge them there (git pull --allow-unrelated-histories), or set the mirror with force (skiff git mirror --force) to deploy what is there instead.`;
    throw new Problem("mirror_failed", detail);
  }
  if (await has(head, tip)) return "unchanged";
  return (await has(tip, head)) ? "forward" : "merge";
}

export interface MergeOptions {
  readonly repository: string;
  readonly tip: CommitId;
  readonly head: CommitId;
  readonly url: string;
  readonly signal: AbortSignal;
}

/** Writes a commit with the tree, the author and the message of `head`, on top of `tip` and `head`. Moves no ref. */
export async function writeMerge(git: Git, options: MergeOptions): Promise<CommitId> {
  const { repository, tip, head, url, signal } = options;
  const [commit] = await readCommits(git, { repository, from: head, limit: 1, signal });
  const { author, email, at, subject, body } = commit!;
  const person = {
    NAME: plain(author),
    EMAIL: plain(email),
    DATE: `@${Math.floor(at.getTime() / 1000)} +0000`,
  };
  const roles = ["GIT_AUTHOR_", "GIT_COMMITTER_"];
  const env = roles.flatMap((role) => Object.entries(person).map(([key, value]) => [role + key, value]));
  const parts = [subject, body, `Merges ${head} of ${url}.`].filter((part) => part !== "");
  const args = ["commit-tree", "-p", tip, "-p", head, "-F", "-", `${head}^{tree}`];
  const input = `${parts.join("\n\n")}\n`;
  const printed = await git.run(args, { repository, signal, input, env: Object.fromEntries(env) });
  return printed.toString().trim();
}

/** Git rejects a name that consists only of characters it strips. */
function plain(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .@+_-]/gu, "").replaceAll(/^[ .]+|[ .]+$/g, "") || "unknown";
}
