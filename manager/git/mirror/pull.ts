import type { Principal } from "../../../http/access/principal.ts";
import type { Limits } from "../../../platform/limits.ts";
import { Problem, toProblem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import { readRef } from "../homes/bare-repository.ts";
import type { OpenRepository } from "../homes/home.ts";
import { type CommitServices, deployCommit, deployedText } from "../push/deploy-commit.ts";
import type { Repositories, RepositoryWork } from "../repositories.ts";
import { branchRef, type CommitId, type Mirror, NO_COMMIT, shortId } from "../repository.ts";
import { readCommits } from "../tree/read-commits.ts";
import { type Fetched, fetchBranch, fetchedFolder } from "./fetch-branch.ts";
import { planFollow, writeMerge } from "./follow.ts";
import { toMirrorProblem } from "./mirror-failure.ts";
import { isConflict, type MirrorOutcome, mirrorOf, recordLast, saveMirror } from "./mirror-state.ts";
import { type ReachServices, reachMirror } from "./reach.ts";

/** For whom a commit is deployed. */
export interface MirrorOrder {
  readonly name: string;
  readonly principal: Principal;
  /** The hosts at which the client reached the manager. */
  readonly reachedAt: readonly string[];
  readonly signal: AbortSignal;
}

export interface MirrorServices
  extends Pick<CommitServices, "platform" | "deploys" | "builder" | "limits" | "print">,
    Pick<ReachServices, "allowedHosts"> {
  readonly repositories: Repositories;
  /** What a folder may declare besides functions. */
  readonly kinds: () => readonly ObjectKind[];
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

/** Only Skiff sees it. It keeps what was fetched and could not be deployed. */
const MIRROR_REF = "refs/skiff/mirror";

/**
 * Fetches the branch that a repository mirrors, and deploys it.
 * @throws Problem `mirror_failed`, `repository_conflict`, `unknown_mirror`, `unknown_secret`, `secrets_unavailable`, and as a push
 */
export async function pullMirror(services: MirrorServices, order: MirrorOrder): Promise<MirrorOutcome> {
  const { repositories, limits, now } = services;
  const { name } = order;
  const signal = AbortSignal.any([order.signal, AbortSignal.timeout(limits.gitMs)]);
  const work = await repositories.read(name, signal);
  const { state } = work.repository;
  const mirror = mirrorOf(name, state, "pull");
  const { url, secret, branch = state.branch } = mirror;
  let commit: CommitId | undefined;
  try {
    const fetched = await fetchMirror(services, { work, mirror, branch, signal });
    commit = fetched.commit;
    try {
      return await repositories.change(name, order.signal, async (current) => {
        if (mirrorOf(name, current.repository.state, "pull").url === url)
          return await follow(services, { ...order, work: current, fetched, branch });
        throw new Problem("repository_conflict", `The mirror of "${name}" was changed meanwhile: try again.`);
      });
    } finally {
      await fetched.release();
    }
  } catch (error) {
    const { gitMs: timeoutMs, pushBytes: mostBytes } = limits;
    const problem = toMirrorProblem(error, { url, branch, secret, timeoutMs, mostBytes });
    const last = { at: now(), ...(commit ? { commit } : {}), error: toProblem(problem).detail };
    // A delivery is retried after a conflict. The manager that deploys at the same time records its own result.
    if (!isConflict(problem)) await recordLast(services, { name, url }, last);
    throw problem;
  }
}

interface Fetching {
  readonly work: RepositoryWork;
  readonly mirror: Mirror;
  readonly branch: string;
  readonly signal: AbortSignal;
}

async function fetchMirror(
  { limits, ...services }: MirrorServices,
  { work, mirror, branch, signal }: Fetching,
): Promise<Fetched> {
  const { git, repository, version: gitVersion } = work;
  const reach = await reachMirror(mirror, { ...services, gitVersion });
  const used = await repository.bytes();
  if (used >= limits.repositoryBytes) throw tooLarge(repository.name, limits);
  const fetched = await fetchBranch({
    ...{ git, repository: repository.path, url: mirror.url, branch, reach, signal },
    folder: fetchedFolder(work.folder),
    mostBytes: limits.pushBytes,
  });
  if (used + fetched.bytes <= limits.repositoryBytes) return fetched;
  await fetched.release();
  throw tooLarge(repository.name, limits);
}

interface Following extends MirrorOrder {
  readonly work: RepositoryWork;
  readonly fetched: Fetched;
  /** The branch there. */
  readonly branch: string;
}

/** Deploys what was fetched. In the turn of the repository. */
async function follow(services: MirrorServices, order: Following): Promise<MirrorOutcome> {
  const { repositories, now } = services;
  const { work, fetched, branch, name, signal } = order;
  const { git, repository } = work;
  const { path, state } = repository;
  const { url, followed, force: isForced = false } = state.mirror!;
  const { commit: head, objects } = fetched;
  const where = { repository: path, objects, signal };
  const step = await planFollow(git, { ...where, tip: state.tip, followed, isForced, head });
  const ended = async () =>
    saveMirror(repositories, { name, url }, { followed: head, last: { at: now(), commit: head } });
  const outcome = { direction: "pull", branch, commit: head } as const;
  const shown = `${branch} ${shortId(head)}`;
  if (step === "unchanged") {
    await ended();
    return { ...outcome, result: "unchanged", detail: `${shown} is deployed already` };
  }
  const from = (await readRef(path, MIRROR_REF)) ?? NO_COMMIT;
  const kept = await repository.save({ state, objects, refs: [{ ref: MIRROR_REF, from, to: head }] });
  const commit =
    step === "merge" ? await writeMerge(git, { repository: path, tip: state.tip!, head, url, signal }) : head;
  const detail = await deploy(services, { ...order, repository: kept, commit });
  await ended();
  return { ...outcome, result: "deployed", detail };
}

interface Deploying extends Following {
  readonly repository: OpenRepository;
  /** On top of the tip. */
  readonly commit: CommitId;
}

/** Returns what was deployed, such as `main abc1234: hello version 4`. */
async function deploy(services: MirrorServices, order: Deploying): Promise<string> {
  const { repository, commit: id, work, signal } = order;
  const { git, home } = work;
  const { branch, tip } = repository.state;
  const [commit] = await readCommits(git, { repository: repository.path, from: id, limit: 1, signal });
  const refs = [{ ref: branchRef(branch), from: tip ?? NO_COMMIT, to: id }];
  const { functions } = await deployCommit(
    { ...order, commit: commit!, branch, refs, byGit: false, say: () => {} },
    { ...services, git, home, kinds: services.kinds() },
  );
  return deployedText(branch, id, functions);
}

function tooLarge(name: string, { repositoryBytes }: Limits): Problem {
  const detail = `The repository "${name}" would be over ${formatBytes(repositoryBytes)} (SKIFF_MAX_REPOSITORY): raise it, or mirror a smaller repository.`;
  return new Problem("mirror_failed", detail, { setting: "SKIFF_MAX_REPOSITORY" });
}
