import type { Home, OpenRepository } from "../homes/home.ts";
import type { PendingPush, RefUpdate } from "../repository.ts";
import { putObjects } from "./put-objects.ts";
import { stateAfter } from "./state-after.ts";
import { type Switches, type SwitchMeans, switchAll } from "./switch.ts";
import { type TakeBackMeans, takeBack } from "./take-back.ts";

export interface TakeOverMeans extends TakeBackMeans, SwitchMeans {
  readonly home: Home;
}

export interface TakeOver {
  /** Functions that do not have their new traffic yet. */
  readonly left: Switches;
  /** How refs move when the push is complete. */
  readonly refs: readonly RefUpdate[];
  /** Whether `git receive-pack` moves them. */
  readonly byGit?: boolean;
}

/**
 * Makes the changes of a pending push, all or none: functions take their new traffic, objects are put, and the branch is at
 * the commit.
 * @returns the repository as it was saved
 * @throws the error of the function, of the object or of the save; what was changed is undone then
 */
export async function takeOver(
  repository: OpenRepository,
  { left, refs, byGit = false }: TakeOver,
  means: TakeOverMeans,
): Promise<OpenRepository> {
  const { state } = repository;
  const pending = state.pending!;
  try {
    await switchAll(left, means);
    await putObjects(pending.changes?.objects ?? [], { ...means, note: pending.note });
    const joining = await joiningOf(pending, repository, means.home);
    const saved = await repository.save({
      state: await stateAfter(state, pending, means.platform),
      ...{ refs, byGit },
    });
    for (const name of joining) await means.home.remove(name);
    return saved;
  } catch (error) {
    await takeBack(repository, means);
    throw error;
  }
}

/** Repositories whose only function moves into this one. */
async function joiningOf({ paths }: PendingPush, { name }: OpenRepository, home: Home): Promise<string[]> {
  const joining: string[] = [];
  for (const each of Object.keys(paths))
    if (each !== name && (await home.ownerOf(each)) === each) joining.push(each);
  return joining;
}
