import type { VersionRecord } from "../../../platform/platform.ts";
import type { OpenRepository } from "../homes/home.ts";
import type { Git } from "../program/git.ts";
import type { CommitId } from "../repository.ts";
import { resolveCommit } from "../tree/read-commits.ts";

export interface CommitQuery {
  readonly repository: OpenRepository;
  readonly name: string;
  /** Digits of the id of a commit. */
  readonly text: string;
  readonly kept: readonly VersionRecord[];
  readonly signal: AbortSignal;
}

export interface FoundCommit {
  readonly commit: CommitId;
  /** The newest kept version that the commit became, or that has its tree; absent if there is none. */
  readonly version?: number;
}

/**
 * Finds the version of a commit.
 * @throws Problem `unknown_commit`
 */
export async function findCommit(git: Git, query: CommitQuery): Promise<FoundCommit> {
  const { repository, name, text, kept, signal } = query;
  const at = { repository: repository.path, signal };
  const commit = await resolveCommit(git, { ...at, text });
  const { path = ".", versions = {} } = repository.state.functions[name] ?? {};
  const known = kept.flatMap(({ version, hash }) => {
    const one = versions[version];
    return one?.hash === hash ? [{ version, commit: one.commit }] : [];
  });
  const own = known.findLast((each) => each.commit === commit);
  if (own !== undefined) return { commit, version: own.version };
  // A rollback is a commit of its own, with the tree of a version.
  const inside = path === "." ? "" : path;
  const input = [commit, ...known.map((each) => each.commit)].map((id) => `${id}:${inside}\n`).join("");
  const printed = (await git.run(["cat-file", "--batch-check"], { ...at, input })).toString();
  const [wanted, ...trees] = printed.split("\n").map((line) => /^[0-9a-f]{40} /.exec(line)?.[0]);
  const index = wanted === undefined ? -1 : trees.lastIndexOf(wanted, known.length - 1);
  return index < 0 ? { commit } : { commit, version: known[index]!.version };
}
