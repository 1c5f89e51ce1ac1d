import { isAbsolute, join, relative } from "node:path";
import type { Principal } from "../../../http/access/principal.ts";
import type { Limits } from "../../../platform/limits.ts";
import type { Platform, VersionNote } from "../../../platform/platform.ts";
import { Problem, toProblem } from "../../../platform/problems.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import type { Home, OpenRepository } from "../homes/home.ts";
import type { Git } from "../program/git.ts";
import type { PendingPush, RefUpdate, RepositoryState } from "../repository.ts";
import { readTree } from "../tree/read-tree.ts";
import { type Commit, MOST_FILES } from "../tree/tree.ts";
import { explain } from "./explain.ts";
import { checkMembers, leavingLines } from "./members.ts";
import { planTree } from "./plan/plan-tree.ts";
import { tipFacts } from "./plan/tip-facts.ts";
import type { FunctionPlan, TreeMeans, TreePlan } from "./plan/tree-plan.ts";
import { putObjects } from "./put-objects.ts";
import { type StagedFunction, StageFailed, stageAll } from "./stage.ts";
import { stateAfter } from "./state-after.ts";
import { type Switches, switchAll } from "./switch.ts";

/** A commit of the branch that deploys. */
export interface CommitOrder {
  /** In its turn, and in line with the versions of its functions. */
  readonly repository: OpenRepository;
  readonly commit: Commit;
  /** The folder with its objects if they are not in the repository yet. */
  readonly objects?: string | undefined;
  /** The branch, which may be another one than before if there was no commit. */
  readonly branch: string;
  /** How refs move when the commit takes calls. */
  readonly refs: readonly RefUpdate[];
  /** Whether `git receive-pack` moves them. */
  readonly byGit: boolean;
  readonly principal: Principal;
  /** Of the versions; by default the subject of the commit. */
  readonly message?: string | undefined;
  /** Share of the calls that new versions get; by default all. */
  readonly percent?: number | undefined;
  /** The hosts at which the client reached the manager. */
  readonly reachedAt: readonly string[];
  /** Aborts everything before functions take other calls, and nothing after that. */
  readonly signal: AbortSignal;
  /** Gets a line about each step as it happens. */
  readonly say: (line: string) => void;
}

export interface CommitServices {
  readonly git: Git;
  readonly home: Home;
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Builder;
  readonly limits: Limits;
  /** What a folder may declare besides functions. */
  readonly kinds: readonly ObjectKind[];
  readonly print: (line: string) => void;
}

export interface DeployedCommit {
  /** As it was saved. */
  readonly repository: OpenRepository;
  readonly functions: readonly DeployedFunction[];
}

export interface DeployedFunction {
  readonly name: string;
  readonly version: number;
  readonly isUnchanged: boolean;
  /** Whether the version takes calls. */
  readonly takesCalls: boolean;
}

const MESSAGE_CHARACTERS = 1_000;
const AUTHOR_CHARACTERS = 200;
/** Time that a push may take besides its builds and starts. */
const MARGIN_MS = 30_000;

/**
 * Deploys the tree of a commit, all of its functions or none, and makes it the tip of the branch: the state of the
 * repository and its refs are saved.
 * @throws Problem whose detail has a line for each mistake; traffic, refs and versions with calls are as before then
 */
export async function deployCommit(order: CommitOrder, services: CommitServices): Promise<DeployedCommit> {
  const { say } = order;
  const { plan, means, joining } = await planCommit(order, services);
  for (const warning of plan.warnings) say(`warning: ${warning}`);
  const begun = await begin(order, plan, services);
  const at = { ...order, ...begun };
  let staged: StagedFunction[];
  try {
    staged = await stageAll(changed(plan), { ...means, ...order });
  } catch (error) {
    await giveUp(plan, { ...order, repository: at.repository, former: order.repository.state }, services);
    throw error instanceof StageFailed ? failed(error) : error;
  }
  const former = order.repository.state;
  const deployed = await takeOver(at, { plan, staged, note: means.note, former, services });
  for (const name of joining) await services.home.remove(name);
  for (const line of leavingLines(plan, order.repository)) say(line);
  return deployed;
}

interface Planned {
  readonly plan: TreePlan;
  readonly means: TreeMeans;
  /** Repositories whose function moves into this one. */
  readonly joining: readonly string[];
}

/** Reads the tree of a commit, and compares it with what is deployed. Changes nothing. */
export async function planCommit(order: CommitOrder, services: CommitServices): Promise<Planned> {
  const { repository, commit, objects, principal, signal } = order;
  const { git, builder, limits } = services;
  const at = { repository: repository.path, objects, commit: commit.id, signal };
  const files = await readTree(git, at, { bytes: builder.folderBytes, files: MOST_FILES });
  const note = {
    by: principal.by,
    message: (order.message ?? commit.subject).slice(0, MESSAGE_CHARACTERS),
    commit: commit.id,
    author: `${commit.author} <${commit.email}>`.slice(0, AUTHOR_CHARACTERS),
  };
  const facts = tipFacts({ repository, commit: commit.id, objects, signal, git, builder });
  const means = { ...services, ...facts, limits, principal, note, signal };
  const plan = await planTree(files, repository.name, means);
  const joining = await checkMembers(plan, repository, { principal, home: services.home });
  return { plan, means, joining };
}

/** Functions that differ from what is deployed, as far as that is known. */
function changed({ functions }: TreePlan): readonly FunctionPlan[] {
  return functions.filter(({ isUnchanged }) => !isUnchanged);
}

/** Keeps what the push is about to do, before the first version is made. */
async function begin(
  { repository, commit, objects, branch }: CommitOrder,
  plan: TreePlan,
  { home, limits }: Pick<CommitServices, "home" | "limits">,
): Promise<Pick<CommitOrder, "repository" | "objects">> {
  const pending: PendingPush = {
    commit: commit.id,
    former: repository.state.tip,
    owner: home.manager.name,
    until: Date.now() + limits.buildMs + limits.startMs + MARGIN_MS,
    isGroup: plan.isGroup,
    paths: Object.fromEntries(plan.functions.map(({ name, path }) => [name, path])),
  };
  const saved = await repository.save({ state: { ...repository.state, branch, pending } });
  return {
    repository: saved,
    ...(objects === undefined ? {} : { objects: moved(objects, repository, saved) }),
  };
}

/** A new repository gets its name with its first save: its quarantine is in another folder then. */
function moved(objects: string, before: OpenRepository, after: OpenRepository): string {
  const inside = relative(before.path, objects);
  return inside.startsWith("..") || isAbsolute(inside) ? objects : join(after.path, inside);
}

interface Takeover {
  readonly plan: TreePlan;
  readonly staged: readonly StagedFunction[];
  readonly note: VersionNote;
  /** The state before the push. */
  readonly former: RepositoryState;
  readonly services: CommitServices;
}

async function takeOver(
  order: CommitOrder,
  { plan, staged, note, former, services }: Takeover,
): Promise<DeployedCommit> {
  const { commit, objects, refs, byGit, reachedAt, signal } = order;
  const { limits } = services;
  const switches: Switches = Object.fromEntries(
    staged.flatMap(({ plan: { name }, change }) => (change ? [[name, change] as const] : [])),
  );
  const { state } = order.repository;
  const pending = { ...state.pending!, until: Date.now() + limits.startMs + MARGIN_MS, switches };
  signal.throwIfAborted();
  const ready = await order.repository.save({
    state: { ...state, pending },
    ...(objects === undefined ? {} : { objects }),
  });
  const finish = async () => {
    const after = await stateAfter(ready.state, { plan, staged, commit: commit.id }, services.platform);
    return await ready.save({ state: after, refs, byGit });
  };
  const onUndone = async () => {
    await ready.save({ state: former }).catch((error: Error) => services.print(`git: ${error.message}`));
  };
  const repository = await switchAll(switches, { ...services, reachedAt, onUndone }, () =>
    putObjects(plan.objects, { ...services, note }, finish),
  );
  const functions = plan.functions.map(({ name, former }) => {
    const record = staged.find((each) => each.plan.name === name);
    const change = record?.change;
    return {
      name,
      version: record?.record.version ?? former!.version,
      isUnchanged: change === undefined,
      takesCalls: change === undefined || change.traffic.length > 0,
    };
  });
  return { repository, functions };
}

interface GivenUp extends Pick<CommitOrder, "repository" | "commit"> {
  readonly former: RepositoryState;
}

/** A function that exists only because of a push that failed is removed. */
async function giveUp(
  { functions }: TreePlan,
  { repository, commit, former }: GivenUp,
  { platform, deploys, print }: CommitServices,
): Promise<void> {
  try {
    for (const { name, former: before } of functions) {
      if (before !== undefined) continue;
      const record = await platform.find(name);
      if (record?.note.commit === commit.id) await deploys.remove(name, [record.version]);
    }
    await repository.save({ state: former });
  } catch (error) {
    // The next access to the repository tries again: its state says what had begun.
    print(`git: a push to ${repository.name} is not cleaned up: ${(error as Error).message}`);
  }
}

function failed({ failures }: StageFailed): Problem {
  const lines = failures.flatMap(({ plan, error }) => explain(error, plan));
  const { code, extensions } = toProblem(failures[0]!.error);
  return new Problem(code as "build_failed", lines.join("\n"), extensions);
}
