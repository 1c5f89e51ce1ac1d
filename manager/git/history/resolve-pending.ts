import type { OpenRepository } from "../homes/home.ts";
import { hasSwitched, type Switches } from "../push/switch.ts";
import { takeBack } from "../push/take-back.ts";
import { type TakeOverMeans, takeOver } from "../push/take-over.ts";
import { branchRef, NO_COMMIT, type PendingPush, shortId } from "../repository.ts";
import type { WriterMeans } from "./version-tree.ts";

export interface ResolveMeans extends WriterMeans, Omit<TakeOverMeans, "reachedAt"> {}

/**
 * Ends a push whose manager was killed: as it would have ended if functions have their new traffic, and as if it had been
 * refused if none has.
 * @returns the repository, still with the push while another manager may be in the middle of it or it cannot be undone
 */
export async function resolvePending(
  repository: OpenRepository,
  pending: PendingPush,
  means: ResolveMeans,
): Promise<OpenRepository> {
  const { platform, print } = means;
  const { manager } = means.home;
  const isOthers = pending.owner !== manager.name && Date.now() < pending.until;
  if (isOthers && (await manager.isRunning(pending.owner))) return repository;
  const { name, head } = repository;
  const { commit, branch, changes, isRefused = false } = pending;
  const switches = Object.entries(changes?.switches ?? {});
  const isDone = await Promise.all(switches.map(([each, change]) => hasSwitched(each, change, platform)));
  const left: Switches = Object.fromEntries(switches.filter((_, index) => !isDone[index]));
  const isBegun = changes !== undefined && (switches.length === 0 || isDone.includes(true));
  const short = shortId(commit);
  if (!isBegun || isRefused) {
    const back = await takeBack(repository, means);
    if (back !== undefined)
      print(`git: a push of ${short} to ${name} had not ended: everything is as it was before`);
    return back ?? repository;
  }
  const refs = head === commit ? [] : [{ ref: branchRef(branch), from: head ?? NO_COMMIT, to: commit }];
  try {
    const finished = await takeOver(repository, { left, refs }, { ...means, reachedAt: [] });
    print(`git: the push of ${short} to ${name} is complete: its functions have their traffic`);
    return finished;
  } catch (error) {
    print(`git: the push of ${short} to ${name} was taken back: ${(error as Error).message}`);
    return (await means.home.open(name)) ?? repository;
  }
}
