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
import {
  type CommitId,
  type PendingPush,
  type PendingSwitch,
  type RefUpdate,
  shortId,
} from "../repository.ts";
import { readTree } from "../tree/read-tree.ts";
import { type Commit, MOST_FILES } from "../tree/tree.ts";
import { explain } from "./explain.ts";
import { checkMembers, leavingLines } from "./members.ts";
import { planTree } from "./plan/plan-tree.ts";
import { tipFacts } from "./plan/tip-facts.ts";
import type { FunctionPlan, TreeMeans, TreePlan } from "./plan/tree-plan.ts";
import { pendingObjects } from "./put-objects.ts";
import { MESSAGE_CHARACTERS } from "./rules/push-options.ts";
import { type StagedFunction, StageFailed, stageAll } from "./stage.ts";
import { takeBack } from "./take-back.ts";
import { takeOver } from "./take-over.ts";

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
  refusePending(order.repository);
  const { plan, means } = await planCommit(order, services);
  for (const warning of plan.warnings) say(`warning: ${warning}`);
  const at = { ...order, ...(await begin(order, { plan, note: means.note }, services)) };
  let ready: OpenRepository;
  let staged: StagedFunction[];
  try {
    staged = await stageAll(changed(plan), { ...means, ...order });
    ready = await prepare(at, { plan, staged }, services);
  } catch (error) {
    await takeBack(at.repository, services);
    throw error instanceof StageFailed ? failed(error) : error;
  }
  const { refs, byGit, reachedAt } = order;
  const left = ready.state.pending!.changes!.switches;
  const repository = await takeOver(ready, { left, refs, byGit }, { ...services, reachedAt });
  for (const line of leavingLines(plan, order.repository)) say(line);
  return { repository, functions: plan.functions.map((each) => deployed(each, staged)) };
}

interface Planned {
  readonly plan: TreePlan;
  readonly means: TreeMeans;
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
  await checkMembers(plan, repository, { principal, home: services.home });
  return { plan, means };
}

/** Functions that differ from what is deployed, as far as that is known. */
function changed({ functions }: TreePlan): readonly FunctionPlan[] {
  return functions.filter(({ isUnchanged }) => !isUnchanged);
}

/** Records the push before its first version is made. */
async function begin(
  { repository, commit, objects, branch }: CommitOrder,
  { plan, note }: { readonly plan: TreePlan; readonly note: VersionNote },
  { home, limits }: Pick<CommitServices, "home" | "limits">,
): Promise<Pick<CommitOrder, "repository" | "objects">> {
  const pending: PendingPush = {
    commit: commit.id,
    former: repository.state.tip,
    owner: home.manager.name,
    until: Date.now() + limits.buildMs + limits.startMs + MARGIN_MS,
    ...{ branch, note, isGroup: plan.isGroup },
    paths: Object.fromEntries(plan.functions.map(({ name, path }) => [name, path])),
    created: plan.functions.filter(({ former }) => former === undefined).map(({ name }) => name),
  };
  const saved = await repository.save({ state: { ...repository.state, pending } });
  return { repository: saved, objects: objects && moved(objects, repository, saved) };
}

/** A new repository gets its name with its first save: its quarantine is in another folder then. */
function moved(objects: string, before: OpenRepository, after: OpenRepository): string {
  const inside = relative(before.path, objects);
  return inside.startsWith("..") || isAbsolute(inside) ? objects : join(after.path, inside);
}

/** Keeps the objects of git, and what is about to change. */
async function prepare(
  { repository, objects, signal }: CommitOrder,
  { plan, staged }: { readonly plan: TreePlan; readonly staged: readonly StagedFunction[] },
  { limits, platform }: CommitServices,
): Promise<OpenRepository> {
  const switches: Record<string, PendingSwitch> = {};
  const unchanged: Record<string, number> = {};
  for (const { name, former } of plan.functions) {
    const one = staged.find((each) => each.plan.name === name);
    if (one?.change) switches[name] = one.change;
    else unchanged[name] = one?.record.version ?? former!.version;
  }
  const changes = { switches, unchanged, objects: await pendingObjects(plan.objects, platform) };
  const { state } = repository;
  const pending = { ...state.pending!, until: Date.now() + limits.startMs + MARGIN_MS, changes };
  signal.throwIfAborted();
  return await repository.save({ state: { ...state, pending }, objects });
}

/** Says what a commit became, such as `main abc1234: hello version 4`. */
export function deployedText(
  branch: string,
  commit: CommitId,
  functions: readonly DeployedFunction[],
): string {
  const versions = functions.map(({ name, version }) => `${name} version ${version}`).join(", ");
  return `${branch} ${shortId(commit)}: ${versions}`;
}

function deployed({ name, former }: FunctionPlan, staged: readonly StagedFunction[]): DeployedFunction {
  const one = staged.find((each) => each.plan.name === name);
  return {
    name,
    version: one?.record.version ?? former!.version,
    isUnchanged: one?.change === undefined,
    takesCalls: one?.change === undefined || one.change.traffic.length > 0,
  };
}

/** @throws Problem `repository_conflict` while another push is not ended */
function refusePending({ name, state: { pending } }: OpenRepository): void {
  if (pending === undefined) return;
  const detail = pending.isRefused
    ? `A refused push to "${name}" is not undone yet, which is tried with every access: push again.`
    : `Another push to "${name}" is being deployed: push again when it has ended.`;
  throw new Problem("repository_conflict", detail);
}

function failed({ failures }: StageFailed): Problem {
  const lines = failures.flatMap(({ plan, error }) => explain(error, plan));
  const { code, extensions } = toProblem(failures[0]!.error);
  return new Problem(code as "build_failed", lines.join("\n"), extensions);
}
