import type { VersionRecord } from "../../../platform/platform.ts";
import type { Home, OpenRepository } from "../homes/home.ts";
import { branchRef, emptyState, type FunctionState, NO_COMMIT, type RepositoryState } from "../repository.ts";
import { hasCommit, isAncestor } from "../tree/read-commits.ts";
import { HistoryWriter } from "./history-writer.ts";
import {
  type FunctionFacts,
  type HistoryStep,
  isMadeAnew,
  needsPrevious,
  newFunction,
  planHistory,
  wholeOf,
} from "./plan-history.ts";
import { type ResolveMeans, resolvePending } from "./resolve-pending.ts";

const WHOLE_TREE = ".";

/**
 * Brings a repository in line with the versions of its functions and their traffic. In its turn.
 * @returns undefined if the function was removed or is in a group, and the repository was removed
 */
export async function recordVersions(
  opened: OpenRepository,
  means: ResolveMeans,
): Promise<OpenRepository | undefined> {
  const { pending } = opened.state;
  const repository = pending === undefined ? opened : await resolvePending(opened, pending, means);
  if (repository.state.pending !== undefined) return repository;
  const { name, state } = repository;
  if (await hasMoved(repository, means.home)) {
    await means.home.remove(name);
    return undefined;
  }
  const functions: Record<string, FunctionState> = {};
  const plans: HistoryStep[][] = [];
  const servings: Record<string, number> = {};
  for (const [each, recorded] of await functionsOf(repository, means.home)) {
    const versions = await means.platform.listVersions(each);
    if (versions === undefined) {
      if (state.isGroup || !Object.hasOwn(state.functions, each)) continue;
      await means.home.remove(name);
      return undefined;
    }
    const isOther = isMadeAnew(recorded, versions);
    if (isOther && !state.isGroup) return makeAnew(repository, means);
    const current = isOther ? newFunction(recorded.path) : withKept(recorded, versions);
    const facts = await factsOf(each, current, { repository, versions, means });
    functions[each] = current;
    plans.push(planHistory(current, facts));
    servings[each] = wholeOf(facts.traffic) ?? 0;
  }
  const options = { repository: repository.path, isGroup: state.isGroup, tip: state.tip, functions };
  const writer = new HistoryWriter(options, means);
  for (const step of inOrder(plans)) await writer.write(step);
  await writer.flush();
  const written = Object.entries(writer.functions).map(([each, done]) => [
    each,
    { ...done, serving: servings[each]! },
  ]);
  return await saved(repository, { ...state, tip: writer.tip, functions: Object.fromEntries(written) });
}

/** Whether its function is in a group, whose manager was killed before it removed this repository. */
async function hasMoved({ name, state }: OpenRepository, home: Home): Promise<boolean> {
  if (state.isGroup || !Object.hasOwn(state.functions, name)) return false;
  const owner = await home.ownerOf(name);
  return owner !== undefined && owner !== name;
}

/** A repository without functions gets the one with its name, unless that is in another repository. */
async function functionsOf({ name, state }: OpenRepository, home: Home): Promise<[string, FunctionState][]> {
  const known = Object.entries(state.functions);
  if (known.length > 0 || state.isGroup) return known;
  const owner = await home.ownerOf(name);
  return owner === undefined || owner === name ? [[name, newFunction(WHOLE_TREE)]] : [];
}

/** The function was removed, and another one has its name: nothing of the former one stays. */
async function makeAnew({ name }: OpenRepository, means: ResolveMeans): Promise<OpenRepository | undefined> {
  await means.home.remove(name);
  return await recordVersions(await means.home.create(name, emptyState()), means);
}

function withKept(state: FunctionState, versions: readonly VersionRecord[]): FunctionState {
  const kept = versions.flatMap(({ version }) => {
    const commit = state.versions[version];
    return commit === undefined ? [] : [[version, commit] as const];
  });
  if (kept.length === Object.keys(state.versions).length) return state;
  return { ...state, versions: Object.fromEntries(kept) };
}

interface FactOptions {
  readonly repository: OpenRepository;
  readonly versions: readonly VersionRecord[];
  readonly means: ResolveMeans;
}

async function factsOf(
  name: string,
  state: FunctionState,
  { repository, versions, means }: FactOptions,
): Promise<FunctionFacts> {
  const { platform } = means;
  const traffic = platform.endpoints(name)?.traffic ?? [];
  const facts = { versions, traffic };
  const previous = needsPrevious(state, facts) ? (await platform.describe(name))?.previous : undefined;
  return { ...facts, previous, ahead: await aheadOf(state, { repository, versions, means }) };
}

/** Versions of git whose commits are on top of the branch, as after a restored backup of the repository alone. */
async function aheadOf(
  state: FunctionState,
  { repository, versions, means: { git, signal } }: FactOptions,
): Promise<ReadonlySet<number>> {
  const { path } = repository;
  const { tip } = repository.state;
  const ahead = new Set<number>();
  for (const { version, note } of versions) {
    if (tip === null || note.author === undefined || note.commit === undefined) continue;
    if (version <= state.version || Object.hasOwn(state.versions, version)) continue;
    const place = { repository: path, signal };
    if (!(await hasCommit(git, { ...place, commit: note.commit }))) continue;
    if (await isAncestor(git, { ...place, ancestor: tip, of: note.commit })) ahead.add(version);
  }
  return ahead;
}

/** Joins the steps of several functions by the age of their versions. The order within each one stays. */
function inOrder(plans: readonly (readonly HistoryStep[])[]): HistoryStep[] {
  const aged = plans.flatMap((steps) => {
    let atMs = 0;
    return steps.map((step) => {
      const own = step.kind === "switch" ? Number.POSITIVE_INFINITY : step.record.createdAt.getTime();
      atMs = Math.max(atMs, own);
      return { atMs, step };
    });
  });
  const order = aged.toSorted((one, other) => {
    if (one.atMs !== other.atMs) return one.atMs - other.atMs;
    return one.step.record.name < other.step.record.name
      ? -1
      : Number(one.step.record.name > other.step.record.name);
  });
  return order.map(({ step }) => step);
}

/** Saves the state if it differs, and moves the branch to its tip. */
async function saved(repository: OpenRepository, state: RepositoryState): Promise<OpenRepository> {
  const { head } = repository;
  const isSame = JSON.stringify(state) === JSON.stringify(repository.state);
  if (isSame && (state.tip ?? undefined) === head) return repository;
  const { tip } = state;
  const refs =
    tip === null || tip === head ? [] : [{ ref: branchRef(state.branch), from: head ?? NO_COMMIT, to: tip }];
  return await repository.save({ state, refs });
}
