import type { Platform, VersionNote } from "../../../platform/platform.ts";
import { carryOutObjects } from "../../files/plan/carry-out-objects.ts";
import type { PlannedObject } from "../../files/plan/plan-objects.ts";

export interface ObjectMeans {
  readonly platform: Pick<Platform, "declarations">;
  readonly note: VersionNote;
  readonly print: (line: string) => void;
}

/**
 * Creates and changes topics, flows, subscriptions and schedules, all or none: if one fails, or `then`, those before it
 * are as they were.
 * @throws the error of the object, or of `then`
 */
export async function putObjects<T>(
  objects: readonly PlannedObject[],
  means: ObjectMeans,
  then: () => Promise<T>,
): Promise<T> {
  const { declarations } = means.platform;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    for (const change of objects.filter(({ action }) => action !== "unchanged")) {
      const { kind, name } = change;
      const before = await declarations.get(kind.kind, name);
      undo.push(() => restore(change, before?.spec, means));
      await carryOut(change, means);
    }
    return await then();
  } catch (error) {
    for (const each of undo.reverse()) {
      await each().catch((failure: Error) => means.print(`git: ${failure.message}`));
    }
    throw error;
  }
}

async function restore(
  change: PlannedObject,
  spec: PlannedObject["spec"],
  means: ObjectMeans,
): Promise<void> {
  const { kind, name } = change;
  const action = spec === undefined ? "remove" : "update";
  const former = { kind, name, action, diff: "", functions: [], ...(spec && { spec }) } as const;
  await carryOut(former, means);
}

async function carryOut(change: PlannedObject, { platform, note }: ObjectMeans): Promise<void> {
  const options = { declarations: platform.declarations, failed: new Set<string>(), note };
  const [outcome] = await carryOutObjects([change], options);
  if (outcome?.state === "failed") throw outcome.error;
}
