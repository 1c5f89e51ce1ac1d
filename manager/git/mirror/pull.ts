import { join } from "node:path";
import type { Principal } from "../../../http/access/principal.ts";
import type { Limits } from "../../../platform/limits.ts";
import { Problem, toProblem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import { readRef } from "../homes/bare-repository.ts";
import type { OpenRepository } from "../homes/home.ts";
import type { Accepted } from "../push/push.ts";
import type { Repositories, RepositoryWork } from "../repositories.ts";
import { type CommitId, type Mirror, NO_COMMIT } from "../repository.ts";
import { type Fetched, fetchBranch } from "./fetch-branch.ts";
import { planFollow, writeMerge } from "./follow.ts";
import { toMirrorProblem } from "./mirror-failure.ts";
import { type MirrorOutcome, mirrorOf, saveMirror } from "./mirror-state.ts";
import { type ReachServices, reachMirror } from "./reach.ts";

/** For whom a commit is deployed. */
export interface MirrorOrder {
  readonly name: string;
  readonly principal: Principal;
  /** Base of the URLs of functions, without a slash at its end. */
  readonly baseUrl: string;
  /** The hosts at which the client reached the manager. */
  readonly reachedAt: readonly string[];
  readonly signal: AbortSignal;
}

export interface CommitOrder extends Omit<MirrorOrder, "name"> {
  readonly repository: OpenRepository;
  /** On top of the tip. Its objects are in the repository. */
  readonly commit: CommitId;
}

export interface MirrorServices extends Pick<ReachServices, "platform" | "allowedHosts"> {
  readonly repositories: Repositories;
  readonly limits: Limits;
  /** Deploys a commit in the turn of its repository, and saves that. @throws Problem, and changes nothing then */
  readonly deployCommit: (order: CommitOrder) => Promise<Accepted>;
  readonly print: (line: string) => void;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

/** Only Skiff sees it. It keeps what was fetched and could not be deployed. */
const MIRROR_REF = "refs/skiff/mirror";

/**
 * Fetches the branch that a repository mirrors, and deploys it.
 * @throws Problem `mirror_failed`, and as a push
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
    const record = () => saveMirror(repositories, { name, url }, { last });
    await repositories.inTurn(name, repositories.closing, record).catch((reason: Error) => {
      if (repositories.closing.aborted) return;
      services.print(`git: the end of a fetch for ${name} cannot be stored: ${reason.message}`);
    });
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
    folder: join(work.folder, "fetched"),
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
  const { repositories, deployCommit, now } = services;
  const { work, fetched, branch, name, signal } = order;
  const { git, repository } = work;
  const { path, state } = repository;
  const { url, followed } = state.mirror!;
  const { commit: head, objects } = fetched;
  const where = { repository: path, objects, signal };
  const step = await planFollow(git, { ...where, tip: state.tip, followed, head });
  const ended = async () =>
    saveMirror(repositories, { name, url }, { followed: head, last: { at: now(), commit: head } });
  const outcome = { direction: "pull", branch, commit: head } as const;
  const shown = `${branch} ${head.slice(0, 7)}`;
  if (step === "unchanged") {
    await ended();
    return { ...outcome, result: "unchanged", detail: `${shown} is deployed already` };
  }
  const from = (await readRef(path, MIRROR_REF)) ?? NO_COMMIT;
  const kept = await repository.save({ state, objects, refs: [{ ref: MIRROR_REF, from, to: head }] });
  const commit =
    step === "merge" ? await writeMerge(git, { repository: path, tip: state.tip!, head, url, signal }) : head;
  const { principal, baseUrl, reachedAt } = order;
  const { detail } = await deployCommit({ principal, baseUrl, reachedAt, signal, repository: kept, commit });
  await repositories.settle(name);
  await ended();
  return { ...outcome, result: "deployed", detail };
}

function tooLarge(name: string, { repositoryBytes }: Limits): Problem {
  const detail = `The repository "${name}" would be over ${formatBytes(repositoryBytes)} (SKIFF_MAX_REPOSITORY): raise it, or mirror a smaller repository.`;
  return new Problem("mirror_failed", detail, { setting: "SKIFF_MAX_REPOSITORY" });
}
