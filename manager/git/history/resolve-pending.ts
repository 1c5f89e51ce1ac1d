import type { Traffic } from "../../../platform/platform.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { Home, OpenRepository } from "../homes/home.ts";
import { type Switches, switchAll, undo } from "../push/switch.ts";
import {
  branchRef,
  type FunctionState,
  NO_COMMIT,
  type PendingPush,
  type PendingSwitch,
  type RepositoryState,
} from "../repository.ts";
import { newFunction, wholeOf } from "./plan-history.ts";
import type { WriterMeans } from "./version-tree.ts";

export interface ResolveMeans extends WriterMeans {
  readonly home: Home;
  readonly deploys: Deploys;
  readonly print: (line: string) => void;
}

/**
 * Ends a push whose manager was killed: as it would have ended if functions have their new traffic, and as if it had been
 * refused if none has.
 * @returns undefined while another manager may be in the middle of it
 */
export async function resolvePending(
  repository: OpenRepository,
  pending: PendingPush,
  means: ResolveMeans,
): Promise<OpenRepository | undefined> {
  const { manager } = means.home;
  const isOthers = pending.owner !== manager.name && Date.now() < pending.until;
  if (isOthers && (await manager.isRunning(pending.owner))) return undefined;
  const { name } = repository;
  const { commit } = pending;
  const switches = Object.entries(pending.switches ?? {});
  const isDone = await Promise.all(switches.map(([each, change]) => hasSwitched(each, change, means)));
  const moved = switches.filter((_, index) => isDone[index]);
  const left: Switches = Object.fromEntries(switches.filter((_, index) => !isDone[index]));
  const isBegun = moved.length > 0 || (pending.switches !== undefined && switches.length === 0);
  const short = commit.slice(0, 7);
  if (isBegun) {
    const all = { ...means, reachedAt: [] };
    try {
      const finished = await switchAll(left, all, () => finish(repository, pending, means));
      means.print(`git: the push of ${short} to ${name} is complete: its functions have their traffic`);
      return finished;
    } catch (error) {
      await undo(
        Object.fromEntries(moved),
        moved.map(([each]) => each),
        all,
      );
      means.print(`git: the push of ${short} to ${name} was taken back: ${(error as Error).message}`);
    }
  } else means.print(`git: a push of ${short} to ${name} had not ended: everything is as it was before`);
  await removeCreated(pending, repository, means);
  return await repository.save({ state: without(repository.state) });
}

/** Whether the function has, or had, the traffic of the push. */
async function hasSwitched(
  name: string,
  { version, hash, traffic, former }: PendingSwitch,
  { platform }: ResolveMeans,
): Promise<boolean> {
  const record = await platform.find(name, version);
  if (record?.hash !== hash) return false;
  const now = platform.endpoints(name)?.traffic ?? [];
  if (traffic.length === 0 || isSame(now, traffic)) return true;
  if (isSame(now, former?.traffic ?? [])) return false;
  const hadCalls = former?.traffic.some((share) => share.version === version) ?? false;
  if (!hadCalls && now.some((share) => share.version === version)) return true;
  return (await platform.describe(name))?.previous === version;
}

/** The push ends as accepted: the branch is at its commit. */
async function finish(
  repository: OpenRepository,
  pending: PendingPush,
  { platform, home }: ResolveMeans,
): Promise<OpenRepository> {
  const { commit, isGroup, paths, switches = {} } = pending;
  const { state, head } = repository;
  const functions: Record<string, FunctionState> = {};
  for (const [name, path] of Object.entries(paths)) {
    const change = switches[name];
    const before = state.functions[name] ?? newFunction(path);
    const record = await platform.find(name, change?.version ?? (before.version || undefined));
    if (record === undefined) continue;
    const { version, hash } = record;
    const known = before.versions[version];
    const serving = change === undefined ? before.serving : (wholeOf(change.traffic) ?? 0);
    const versions = { ...before.versions, [version]: known?.hash === hash ? known : { commit, hash } };
    functions[name] = { path, version, serving, versions };
  }
  const finished = { ...without(state), isGroup, tip: commit, functions };
  const ref = branchRef(state.branch);
  const refs = head === commit ? [] : [{ ref, from: head ?? NO_COMMIT, to: commit }];
  const saved = await repository.save({ state: finished, refs });
  // A function that had a repository of its own is in this one now.
  for (const name of Object.keys(functions)) if (name !== repository.name) await home.remove(name);
  return saved;
}

/** A function that exists only because of the push is none. */
async function removeCreated(
  { paths, commit }: PendingPush,
  { state }: OpenRepository,
  { platform, deploys }: ResolveMeans,
): Promise<void> {
  for (const name of Object.keys(paths)) {
    const record = Object.hasOwn(state.functions, name) ? undefined : await platform.find(name);
    const hasCalls = (platform.endpoints(name)?.traffic ?? []).length > 0;
    if (record?.note.commit !== commit || record.note.author === undefined || hasCalls) continue;
    if ((await platform.listVersions(name))?.length === 1) await deploys.remove(name, [record.version]);
  }
}

function without({ pending: _, ...state }: RepositoryState): RepositoryState {
  return state;
}

function isSame(one: Traffic, other: Traffic): boolean {
  const text = (traffic: Traffic) =>
    traffic
      .map(({ version, weight }) => `${version}:${weight}`)
      .sort()
      .join();
  return text(one) === text(other);
}
