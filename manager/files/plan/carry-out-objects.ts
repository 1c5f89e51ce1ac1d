import type { Platform, VersionNote } from "../../../platform/platform.ts";
import type { PlannedObject } from "./plan-objects.ts";

/** What became of a planned change of a topic, a flow, a subscription or a schedule. */
export interface ObjectOutcome {
  readonly change: PlannedObject;
  /** `skipped`: something that it depends on failed. */
  readonly state: "planned" | "done" | "failed" | "skipped";
  readonly error?: unknown;
}

export interface ObjectOptions extends Pick<Platform, "declarations"> {
  /** Functions that could not be deployed: what calls them waits for a better apply. */
  readonly failed: ReadonlySet<string>;
  readonly note: VersionNote;
}

/**
 * Carries out what concerns topics, flows, subscriptions and schedules, in this order, and removals the other way round: nothing
 * refers to what is not there. Removals happen only if nothing failed.
 */
export async function carryOutObjects(
  plan: readonly PlannedObject[],
  options: ObjectOptions,
): Promise<ObjectOutcome[]> {
  const outcomes = new Map<PlannedObject, ObjectOutcome>();
  for (const change of plan.filter(({ action }) => action !== "remove"))
    outcomes.set(change, await putOne(change, options));
  const hasFailed = options.failed.size > 0 || [...outcomes.values()].some(({ state }) => state === "failed");
  for (const change of plan.filter(({ action }) => action === "remove").reverse())
    outcomes.set(change, hasFailed ? { change, state: "skipped" } : await removeOne(change, options));
  return plan.map((change) => outcomes.get(change)!);
}

async function putOne(
  change: PlannedObject,
  { declarations, failed, note }: ObjectOptions,
): Promise<ObjectOutcome> {
  const { kind, name, action, spec, functions } = change;
  if (action === "unchanged") return { change, state: "done" };
  if (functions.some((each) => failed.has(each))) return { change, state: "skipped" };
  try {
    if (kind.put === undefined) await declarations.put(kind.kind, name, { spec: spec! });
    else await kind.put(name, spec!, note);
    await kind.afterPut(name, spec!);
    return { change, state: "done" };
  } catch (error) {
    return { change, state: "failed", error };
  }
}

async function removeOne(change: PlannedObject, { declarations }: ObjectOptions): Promise<ObjectOutcome> {
  const { kind, name } = change;
  try {
    // False: somebody else removed it, which is the wanted state.
    await declarations.remove(kind.kind, name);
    await kind.afterRemoval(name);
    return { change, state: "done" };
  } catch (error) {
    return { change, state: "failed", error };
  }
}
