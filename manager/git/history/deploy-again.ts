import type { Principal } from "../../../http/access/principal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { OpenRepository } from "../homes/home.ts";
import { type CommitServices, type DeployedCommit, deployCommit } from "../push/deploy-commit.ts";
import { branchRef, type CommitId, shortId } from "../repository.ts";
import { readCommits } from "../tree/read-commits.ts";
import { writeCommits } from "../tree/write-commits.ts";

export interface AgainOrder {
  readonly repository: OpenRepository;
  /** The function that gets the source of the commit. */
  readonly name: string;
  readonly commit: CommitId;
  readonly principal: Principal;
  readonly reachedAt: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Deploys what an old commit has of a function, as a new commit on the tip of the branch: its version is not kept.
 * @throws Problem; nothing is changed then
 */
export async function deployAgain(order: AgainOrder, services: CommitServices): Promise<DeployedCommit> {
  const { repository, name, commit, principal, signal } = order;
  const { git } = services;
  const { tip, branch, isGroup, functions } = repository.state;
  const path = functions[name]?.path ?? ".";
  if (tip === null || path === "") throw notDeployable(commit);
  const [id] = await writeCommits(git, repository.path, [
    {
      ...{ parent: tip, treeOf: commit, files: new Map(), author: principal.by, at: new Date() },
      ...(isGroup && path !== "." ? { replaces: [path] } : {}),
      message: `Roll back ${name} to ${shortId(commit)}`,
    },
  ]);
  const [written] = await readCommits(git, { repository: repository.path, from: id!, limit: 1, signal });
  return await deployCommit(
    {
      ...order,
      ...{ commit: written!, branch, byGit: false, say: () => {} },
      refs: [{ ref: branchRef(branch), from: tip, to: id! }],
    },
    services,
  );
}

function notDeployable(commit: CommitId): Problem {
  const detail = `The version of ${shortId(commit)} is not kept, and the commit has no source to deploy: deploy its image again.`;
  return new Problem("unknown_version", detail);
}
