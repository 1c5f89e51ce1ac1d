import { Problem } from "../../../platform/problems.ts";
import { type Git, GitFailed, type GitScope, READING_BYTES } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { records, streamGit } from "./stream-git.ts";
import type { Commit, CommitOptions } from "./tree.ts";

export interface LogOptions extends GitScope {
  /** The newest commit. */
  readonly from: CommitId;
  readonly limit: number;
  /** Commits that are left out before the first. */
  readonly skip?: number | undefined;
  /** Only commits that change this file or folder. */
  readonly path?: string | undefined;
}

/** Most bytes of a message, and of a name. */
const MOST_BYTES = 10 * 1024;
const FORMAT = ["%H", "%P", "%an", "%ae", "%at", "%B"];
/** The end of the year 9999: commits may claim any second. */
const LAST_S = 253_402_300_799;

/** Reads a commit and those before it, newest first. */
export async function readCommits(git: Git, options: LogOptions): Promise<Commit[]> {
  const { from, limit, skip = 0, path, ...scope } = options;
  const args = [
    "log",
    "-z",
    `--format=tformat:${FORMAT.join("%x00")}`,
    "--encoding=UTF-8",
    "--no-show-signature",
  ];
  const only = path === undefined || path === "." ? [] : [`:(top,literal)${path}`];
  return await streamGit(
    git,
    [...args, `--max-count=${limit}`, `--skip=${skip}`, "--end-of-options", from, "--", ...only],
    { ...scope, memoryBytes: READING_BYTES },
    async (output) => {
      const commits: Commit[] = [];
      let fields: Buffer[] = [];
      for await (const field of records(output, MOST_BYTES)) {
        fields.push(field);
        if (fields.length < FORMAT.length) continue;
        commits.push(commitOf(fields));
        fields = [];
      }
      return commits;
    },
  );
}

/**
 * Finds a commit by 4 or more digits of its id. Branches with such names do not matter.
 * @throws Problem `unknown_commit`
 */
export async function resolveCommit(
  git: Git,
  { text, ...scope }: GitScope & { readonly text: string },
): Promise<CommitId> {
  const none = (why: string) => new Problem("unknown_commit", `${JSON.stringify(text.slice(0, 50))} ${why}`);
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f]{4,40}$/.test(prefix))
    throw none("is not a commit: use 4 to 40 hexadecimal digits of its id.");
  const ids = (await git.run(["rev-parse", `--disambiguate=${prefix}`], scope)).toString();
  const types = await git.run(["cat-file", "--batch-check"], { ...scope, input: ids });
  const lines = types.toString().split("\n");
  const found = lines.flatMap((line) => (line.split(" ")[1] === "commit" ? [line.slice(0, 40)] : []));
  const [id] = new Set(found);
  if (id === undefined) throw none("is not a commit of the repository.");
  if (new Set(found).size > 1) throw none("is the beginning of several commits: use more digits.");
  return id;
}

export async function hasCommit(git: Git, { commit, ...scope }: CommitOptions): Promise<boolean> {
  const printed = await git.run(["cat-file", "--batch-check"], { ...scope, input: `${commit}\n` });
  return printed.toString().split(" ")[1] === "commit";
}

export interface AncestorOptions extends GitScope {
  readonly ancestor: CommitId;
  readonly of: CommitId;
}

/** Whether a commit is in the history of another one, or is that one. @throws GitFailed if one of them is missing */
export function isAncestor(git: Git, { ancestor, of, ...scope }: AncestorOptions): Promise<boolean> {
  return mergeBase(git, ["--is-ancestor", ancestor, of], scope);
}

/** Whether the histories of two commits have one in common. @throws GitFailed if one of them is missing */
export function isRelated(
  git: Git,
  { commits, ...scope }: GitScope & { readonly commits: readonly [CommitId, CommitId] },
): Promise<boolean> {
  return mergeBase(git, commits, scope);
}

async function mergeBase(git: Git, args: readonly string[], scope: GitScope): Promise<boolean> {
  try {
    await git.run(["merge-base", ...args], scope);
    return true;
  } catch (error) {
    if (error instanceof GitFailed && error.exitCode === 1) return false;
    throw error;
  }
}

export interface ChangeOptions extends GitScope {
  readonly from: CommitId;
  readonly to: CommitId;
}

/** Returns the files that differ between two commits. Their trees are bounded: both were read before. */
export async function changedPaths(git: Git, { from, to, ...scope }: ChangeOptions): Promise<string[]> {
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to];
  const printed = await git.run(args, { ...scope, mostBytes: 64 * 1024 ** 2 });
  return printed.toString().split("\0").filter(Boolean);
}

function commitOf(fields: readonly Buffer[]): Commit {
  const [id = "", parents = "", author = "", email = "", seconds, message = ""] = fields.map((field) => {
    const text = field.toString();
    return field.length < MOST_BYTES ? text : `${text.replace(/\uFFFD$/, "")}…`;
  });
  const [subject = "", ...rest] = message.trimStart().split("\n");
  const at = new Date(Math.min(Math.max(0, Number(seconds) || 0), LAST_S) * 1_000);
  const body = rest.join("\n").trim();
  return {
    id,
    parents: parents.split(" ").filter(Boolean),
    author,
    email,
    at,
    subject: subject.trim(),
    body,
  };
}
