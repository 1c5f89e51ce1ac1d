import type { Platform } from "../../../platform/platform.ts";
import { toProblem } from "../../../platform/problems.ts";
import { currentVersion, isSameTraffic } from "../../../platform/traffic.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import type { OpenRepository } from "../homes/home.ts";
import type { PendingPush, PendingSwitch } from "../repository.ts";
import { restoreObject } from "./put-objects.ts";
import { stateWithout } from "./state-after.ts";

export interface TakeBackMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  /** What a folder may declare besides functions. */
  readonly kinds: readonly ObjectKind[];
  readonly print: (line: string) => void;
}

/**
 * Undoes what a pending push has changed. What somebody else changed meanwhile stays.
 * @returns the repository without the push; undefined if something could not be undone: the push stays pending, and the
 * next access to the repository tries again
 */
export async function takeBack(
  repository: OpenRepository,
  means: TakeBackMeans,
): Promise<OpenRepository | undefined> {
  const { name, state } = repository;
  const pending = state.pending!;
  let marked = repository;
  const failed = (what: string) => (error: unknown) => {
    means.print(`git: ${what} of a refused push to ${name}: ${toProblem(error).detail}`);
    return undefined;
  };
  // The client reads that the push was refused: a manager that is killed from here on must not complete it.
  if (pending.changes !== undefined && pending.isRefused !== true) {
    const save = repository.save({ state: { ...state, pending: { ...pending, isRefused: true } } });
    marked = (await save.catch(failed("the refusal could not be kept"))) ?? repository;
  }
  let isWhole = true;
  for (const [what, undo] of stepsOf(pending, means)) {
    await undo().catch((error: unknown) => {
      isWhole = false;
      failed(`${what} could not be undone`)(error);
    });
  }
  if (!isWhole) return undefined;
  return await marked.save({ state: stateWithout(state) }).catch(failed("the end could not be kept"));
}

/** What is undone, in this order. */
function stepsOf(pending: PendingPush, means: TakeBackMeans): [string, () => Promise<unknown>][] {
  const { created, note, changes } = pending;
  const { objects = [], switches = {} } = changes ?? {};
  return [
    ...objects
      .toReversed()
      .map((each): [string, () => Promise<unknown>] => [
        `${each.kind} ${each.name}`,
        () => restoreObject(each, { ...means, note }),
      ]),
    ...Object.entries(switches)
      .toReversed()
      .map(([name, change]): [string, () => Promise<unknown>] => [
        `the traffic of ${name}`,
        () => routeBack(name, change, means),
      ]),
    ...created.map((name): [string, () => Promise<unknown>] => [
      `the function ${name}`,
      () => removeCreated(name, pending, means),
    ]),
  ];
}

/** Gives a function its former traffic, unless it has other traffic than the push gave it. */
async function routeBack(
  name: string,
  { version, traffic, former }: PendingSwitch,
  { platform }: TakeBackMeans,
): Promise<void> {
  const now = platform.endpoints(name)?.traffic ?? [];
  if (former === undefined || former.traffic.length === 0 || !isSameTraffic(now, traffic)) return;
  const expected = [currentVersion(traffic) ?? version];
  await platform.route(name, former.traffic, undefined, { ...former.rules, expected });
}

/** Removes a function that exists only because of the push. */
async function removeCreated(
  name: string,
  { commit, changes }: PendingPush,
  { platform, deploys }: TakeBackMeans,
): Promise<void> {
  const versions = await platform.listVersions(name);
  const current = await platform.find(name);
  if (versions === undefined || current === undefined) return;
  if (versions.some(({ note }) => note.commit !== commit || note.author === undefined)) return;
  const now = platform.endpoints(name)?.traffic ?? [];
  if (now.length > 0 && !isSameTraffic(now, changes?.switches[name]?.traffic ?? [])) return;
  await deploys.remove(name, [current.version]);
}
