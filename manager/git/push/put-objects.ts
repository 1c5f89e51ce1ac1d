import { isDeepStrictEqual } from "node:util";
import type { Platform, VersionNote } from "../../../platform/platform.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import { carryOutObjects } from "../../files/plan/carry-out-objects.ts";
import type { PlannedObject } from "../../files/plan/plan-objects.ts";
import type { PendingObject } from "../repository.ts";

export interface ObjectMeans {
  readonly platform: Pick<Platform, "declarations">;
  readonly kinds: readonly ObjectKind[];
  readonly note: VersionNote;
}

/** Returns what a push changes, with what there was before. */
export async function pendingObjects(
  objects: readonly PlannedObject[],
  { declarations }: Pick<Platform, "declarations">,
): Promise<PendingObject[]> {
  const pending: PendingObject[] = [];
  for (const { kind, name, action, spec } of objects) {
    if (action === "unchanged" || spec === undefined) continue;
    const former = (await declarations.get(kind.kind, name))?.spec;
    pending.push({ kind: kind.kind, name, spec, ...(former && { former }) });
  }
  return pending;
}

/** Creates and changes topics, flows, subscriptions and schedules. @throws the error of the first one that fails */
export async function putObjects(objects: readonly PendingObject[], means: ObjectMeans): Promise<void> {
  for (const { kind, name, spec } of objects) await carryOut({ kind, name, spec }, means);
}

/** Gives an object its former spec, unless it has another one than the push gave it. */
export async function restoreObject(object: PendingObject, means: ObjectMeans): Promise<void> {
  const { kind, name, spec, former } = object;
  const present = await means.platform.declarations.get(kind, name);
  const isOurs = present !== undefined && isDeepStrictEqual(present.spec, JSON.parse(JSON.stringify(spec)));
  if (isOurs) await carryOut({ kind, name, spec: former }, means);
}

interface Wanted {
  readonly kind: string;
  readonly name: string;
  /** Undefined: the object is removed. */
  readonly spec: PlannedObject["spec"];
}

async function carryOut({ name, spec, ...wanted }: Wanted, means: ObjectMeans): Promise<void> {
  const { kinds, note, platform } = means;
  const kind = kinds.find((each) => each.kind === wanted.kind);
  if (kind === undefined) throw new Error(`there are no objects of the kind ${wanted.kind}`);
  const action = spec === undefined ? "remove" : "update";
  const change: PlannedObject = { kind, name, action, diff: "", functions: [], ...(spec && { spec }) };
  const options = { declarations: platform.declarations, failed: new Set<string>(), note };
  const [outcome] = await carryOutObjects([change], options);
  if (outcome?.state === "failed") throw outcome.error;
}
