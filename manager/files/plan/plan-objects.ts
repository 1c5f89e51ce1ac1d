import { isDeepStrictEqual } from "node:util";
import type { Principal } from "../../../http/access/principal.ts";
import { includesScope } from "../../../platform/keys/scopes.ts";
import type { Platform } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { allObjects } from "../all-objects.ts";
import type { FolderObject } from "../manifest/check-objects.ts";
import type { ObjectKind } from "../object-kind.ts";
import { yamlText } from "../yaml-text.ts";
import { textDiff } from "./compare.ts";
import type { PlannedChange } from "./plan.ts";

/** What an apply does to a topic, a flow, a subscription or a schedule. */
export interface PlannedObject {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly action: "create" | "update" | "unchanged" | "remove";
  /** The spec as a unified diff; empty for one that stays or is removed. */
  readonly diff: string;
  /** Absent for a removal. */
  readonly spec?: Spec;
  /** The functions that it calls; none for a removal. */
  readonly functions: readonly string[];
}

type Spec = Readonly<Record<string, unknown>>;

export interface ObjectMeans {
  readonly platform: Platform;
  readonly principal: Principal;
  readonly kinds: readonly ObjectKind[];
  /** Whether what the folder does not declare is removed, if the caller may do that. */
  readonly prune: boolean;
}

/**
 * Compares the topics, flows, subscriptions and schedules of a folder with those that exist.
 * @throws Problem `invalid_declaration` if one does not go with another one
 */
export async function planObjects(
  objects: readonly FolderObject[],
  { platform, principal, kinds, prune }: ObjectMeans,
): Promise<PlannedObject[]> {
  const planned: PlannedObject[] = [];
  const canRead = includesScope(principal.scopes, "read");
  for (const kind of kinds) {
    const wanted = objects.filter((object) => object.kind === kind);
    const mayPrune = prune && principal.functions === undefined;
    if (wanted.length === 0 && !mayPrune) continue;
    const present = new Map(
      (await allObjects(platform, kind)).map(({ name, spec }) => [name, spec] as const),
    );
    for (const { name, spec, functions } of wanted) {
      const before = present.get(name);
      const isUnchanged = before !== undefined && isDeepStrictEqual(before, plain(spec));
      const action = isUnchanged ? "unchanged" : before === undefined ? "create" : "update";
      // A diff shows what only readers may read.
      const diff = isUnchanged || !canRead ? "" : await specDiff(kind, before, spec);
      planned.push({ kind, name, action, diff, spec, functions });
    }
    const declared = new Set(wanted.map(({ name }) => name));
    const others = [...present].filter(([name]) => !declared.has(name));
    const removed = mayPrune ? others.map(([name]) => name) : [];
    const staying = mayPrune ? [] : others.map(([name, spec]) => ({ name, spec }));
    refuseClashes(kind, [...wanted, ...staying], wanted.length);
    const removal = { kind, action: "remove", diff: "", functions: [] } as const;
    planned.push(...removed.map((name) => ({ ...removal, name })));
  }
  return planned;
}

/** @param count how many of them, the first ones, are checked */
function refuseClashes(
  kind: ObjectKind,
  all: readonly Pick<FolderObject, "name" | "spec">[],
  count: number,
): void {
  for (const { name, spec } of all.slice(0, count)) {
    const others = all.filter((other) => other.name !== name);
    const clash = kind.clash(spec, others);
    if (clash !== undefined) throw new Problem("invalid_declaration", `${kind.noun} "${name}": ${clash}`);
  }
}

/** As it is read back. */
function plain(spec: Spec): Spec {
  return JSON.parse(JSON.stringify(spec)) as Spec;
}

async function specDiff(
  { noun, textOf }: ObjectKind,
  before: Spec | undefined,
  after: Spec,
): Promise<string> {
  const plainText = async (spec: Spec) =>
    Object.keys(spec).length === 0 ? "" : await yamlText(sorted(spec));
  const text = textOf ?? plainText;
  return await textDiff(noun, before === undefined ? "" : await text(before), await text(after));
}

/** Names functions that what a folder declares will call, and that are not there once it is applied. */
export function targetWarnings(
  objects: readonly PlannedObject[],
  functions: readonly Pick<PlannedChange, "name" | "action">[],
  platform: Pick<Platform, "endpoints">,
): string[] {
  const planned = new Map(functions.map(({ name, action }) => [name, action !== "remove"]));
  const isThere = (target: string) => planned.get(target) ?? platform.endpoints(target) !== undefined;
  return objects.flatMap(({ kind, name, functions: targets }) =>
    targets
      .filter((target) => !isThere(target))
      .map(
        (target) =>
          `${kind.noun} "${name}": there is no function "${target}", neither deployed nor in the folder`,
      ),
  );
}

/** Names what else of a folder will not work. */
export async function specWarnings(objects: readonly PlannedObject[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const { kind, name, spec } of objects) {
    if (spec === undefined) continue;
    for (const each of (await kind.warningsOf?.(spec, name)) ?? [])
      warnings.push(`${kind.noun} "${name}": ${each}`);
  }
  return warnings;
}

/** @throws Problem `insufficient_scope` if the caller may not store one of the specs that change */
export async function authorizeObjects(
  objects: readonly PlannedObject[],
  principal: Principal,
): Promise<void> {
  for (const { kind, name, action, spec } of objects) {
    if (spec !== undefined && action !== "unchanged") await kind.authorize?.(spec, { name, principal });
  }
}

function sorted(spec: Spec): Spec {
  return Object.fromEntries(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1)));
}
