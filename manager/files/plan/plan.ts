import type { Principal } from "../../../http/access/principal.ts";
import type { Limits } from "../../../platform/limits.ts";
import type { Platform, RouteRules, VersionNote } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { DeployOrder, Deploys } from "../../deploys/deploys.ts";
import { Mistakes } from "../manifest/mistakes.ts";
import type { Folder, FolderFunction, FolderVersion } from "../manifest/read-folder.ts";
import { visibleFunctions } from "../visible-functions.ts";
import { resolveImages } from "./resolve-images.ts";

/** What an apply does to one function. */
export interface PlannedChange {
  readonly name: string;
  readonly action: "create" | "update" | "unchanged" | "remove";
  /** The current version; absent for a function that is created. */
  readonly version?: number | undefined;
  /** Traffic, settings and source as a unified diff; empty for a function that stays or is removed. */
  readonly diff: string;
  /** Absent for a removal. */
  readonly work?: PlannedWork;
}

export interface PlannedWork {
  readonly versions: readonly PlannedVersion[];
  /** Whether calls are shared by weight. Otherwise the only version takes all. */
  readonly isSplit: boolean;
  readonly rules: RouteRules;
  /** Whether the traffic has to be changed although every version is deployed. */
  readonly reroutes: boolean;
}

export interface PlannedVersion {
  readonly weight: number;
  /** The kept version that it is, in a function whose calls are shared. */
  readonly known?: number | undefined;
  readonly order: PlannedOrder;
}

type PlannedOrder = Omit<DeployOrder, "signal" | "reachedAt"> &
  Required<Pick<DeployOrder, "declared" | "source">>;

export interface PlanMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly principal: Principal;
  /** Of every version that has no message of its own. */
  readonly note: VersionNote;
  readonly signal: AbortSignal;
}

/** Plans one function. */
export type PlanFunction = (wanted: FolderFunction, means: PlanMeans) => Promise<PlannedChange>;

/** Functions that are compared at a time. */
const AT_ONCE = 8;

/** A function whose declaration does not fit what is deployed. */
export class Misfit extends Error {
  readonly pointer: string;

  /** @param pointer the place in the manifest */
  constructor(pointer: string, message: string) {
    super(message);
    this.pointer = pointer;
  }
}

/**
 * Compares a folder with what is deployed.
 * @param prune whether functions that the folder does not declare are removed, as far as the caller may see them
 * @throws Problem `invalid_declaration`; those of the builder and of the platform
 */
export async function planFolder(
  folder: Folder,
  { prune, plan }: { readonly prune: boolean; readonly plan: PlanFunction },
  means: PlanMeans,
): Promise<PlannedChange[]> {
  const mistakes = new Mistakes();
  const planOne = async (wanted: FolderFunction): Promise<PlannedChange[]> => {
    try {
      return [await plan(await resolveImages(wanted, means), means)];
    } catch (error) {
      mistakes.add(folder.manifest, ...misfitOf(error, wanted));
      return [];
    }
  };
  const places = new Semaphore({ places: AT_ONCE });
  const changes = await Promise.all(
    folder.functions.map((wanted) => places.run(() => planOne(wanted), means.signal)),
  );
  mistakes.refuse();
  if (!prune) return changes.flat();
  const declared = new Set(folder.functions.map(({ name }) => name));
  const visible = await visibleFunctions(means.platform, means.principal);
  const removed = visible.filter(({ name }) => !declared.has(name));
  return [
    ...changes.flat(),
    ...removed.map(({ name, version }) => ({ name, version, action: "remove", diff: "" }) as const),
  ];
}

/** @throws the error if the declaration is not at fault */
function misfitOf(error: unknown, { pointer }: FolderFunction): [pointer: string, message: string] {
  if (error instanceof Misfit) return [error.pointer, error.message];
  // A secret that does not exist, for example.
  if (error instanceof Problem && error.code === "invalid_setting") {
    return [`${pointer}/${error.extensions.setting ?? ""}`, error.detail];
  }
  throw error;
}

/** The order that deploys a version, without its signal. */
export function orderOf(
  { name }: Pick<FolderFunction, "name">,
  { patch, declared, base, kept, source, message }: FolderVersion,
  { note, principal }: PlanMeans,
): PlannedOrder {
  return {
    ...{ name, patch, declared, source, principal },
    note: { ...note, ...(message === undefined ? {} : { message }) },
    base: { settings: base, keptEnv: kept.map(({ variable }) => variable) },
  };
}

/** @throws Misfit if a variable keeps a value that there is not */
export function checkKept({ kept }: FolderVersion, env: Readonly<Record<string, string>> = {}): void {
  const missing = kept.find(({ variable }) => !Object.hasOwn(env, variable));
  if (missing === undefined) return;
  const { variable, pointer } = missing;
  throw new Misfit(pointer, `There is no value of ${variable} to keep: write it instead of "***".`);
}
