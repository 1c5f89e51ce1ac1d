import type { Principal } from "../../../http/access/principal.ts";
import type { Limits } from "../../../platform/limits.ts";
import type { Platform, RouteRules, Source, Traffic, VersionNote } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { DeployOrder, Deploys } from "../../deploys/deploys.ts";
import { packTar } from "../../files/archive.ts";
import { readFolder } from "../../files/manifest/read-folder.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import { planFolder } from "../../files/plan/plan.ts";
import { planFunction } from "../../files/plan/plan-function.ts";
import {
  authorizeObjects,
  type PlannedObject,
  planObjects,
  specWarnings,
  targetWarnings,
} from "../../files/plan/plan-objects.ts";
import type { TreeFiles } from "../tree/tree.ts";
import { planAsStored } from "./same-source.ts";

/** What the files of a commit make of its functions. */
export interface TreePlan {
  /** Whether its `skiff.yaml` declares its functions. */
  readonly isGroup: boolean;
  readonly functions: readonly FunctionPlan[];
  readonly objects: readonly PlannedObject[];
  readonly warnings: readonly string[];
}

export interface FunctionPlan {
  readonly name: string;
  /** Its file or folder in the tree; `.` for the whole tree, empty for an image. */
  readonly path: string;
  /** Absent for a new function. */
  readonly former: FormerFunction | undefined;
  /** Whether it is deployed with this source, these settings and this traffic. False if only a build can tell. */
  readonly isUnchanged: boolean;
  readonly versions: readonly VersionPlan[];
  /** Whether calls are shared by weight. Otherwise the only version takes all. */
  readonly isSplit: boolean;
  readonly rules: RouteRules;
  /** Whether the traffic has to be changed although every version is deployed. */
  readonly reroutes: boolean;
  /** Traffic, settings and source as a unified diff, where that is known without a build. */
  readonly diff: string;
}

export interface FormerFunction {
  /** The current version. */
  readonly version: number;
  readonly traffic: Traffic;
  readonly rules: RouteRules;
}

export interface VersionPlan {
  readonly weight: number;
  /** The kept version that it is, in a function whose calls are shared. */
  readonly known?: number | undefined;
  readonly order: Omit<DeployOrder, "signal" | "reachedAt" | "onBuilt">;
}

export interface TreeMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly kinds: readonly ObjectKind[];
  readonly principal: Principal;
  readonly note: VersionNote;
  /** Variables of a function that the tip of the branch declares: without them in the tree they are removed. */
  readonly declaredBefore: (name: string) => Promise<ReadonlySet<string>>;
  /** The version of a function with these files, if the tip of the branch has them, however it was posted. */
  readonly versionOfTip: (name: string) => Promise<number | undefined>;
  readonly signal: AbortSignal;
}

export const MANIFESTS = ["skiff.yaml", "skiff.yml", "functions.yaml"];
/** One file with such a name is deployed as it is. */
const ONLY_FILE = /^main(\.(ts|js|mts|mjs|sh|py|rb|pl))?$/;

/**
 * Compares the files of a commit with what is deployed. Without a `skiff.yaml` they are the source of the function
 * `name`, which keeps its settings.
 * @throws Problem `invalid_declaration`, `invalid_source`, `insufficient_scope`; those of the builder
 */
export async function planTree(files: TreeFiles, name: string, means: TreeMeans): Promise<TreePlan> {
  if (files.size === 0) throw new Problem("push_refused", "The commit has no files: add main.ts.");
  return MANIFESTS.some((file) => files.has(file))
    ? await planManifest(files, name, means)
    : { isGroup: false, functions: [await planSource(files, name, means)], objects: [], warnings: [] };
}

async function planSource(files: TreeFiles, name: string, means: TreeMeans): Promise<FunctionPlan> {
  const { platform, principal, note } = means;
  const current = await platform.find(name);
  const same = await means.versionOfTip(name);
  const stored =
    same !== undefined && same === current?.version ? await platform.readSource(name, same) : undefined;
  const runtime = current?.settings.runtime;
  const source =
    stored ?? (await sourceOf(files, { ...means, runtime: runtime === "deno" ? undefined : runtime }));
  const order = { name, source, patch: {}, note, principal };
  return {
    ...{ name, path: ".", former: await formerOf(name, platform), isUnchanged: false, diff: "" },
    ...{ versions: [{ weight: 1, order }], isSplit: false, rules: {}, reroutes: false },
  };
}

/** One file is the same source as when it is posted alone. */
async function sourceOf(
  files: TreeFiles,
  { builder, runtime }: Pick<TreeMeans, "builder"> & { readonly runtime?: "program" | "image" | undefined },
): Promise<Source> {
  const [[path, bytes] = ["", new Uint8Array()]] = files;
  const isAlone = files.size === 1 && ONLY_FILE.test(path);
  return builder.recognize(isAlone ? bytes : await packTar(files), { runtime });
}

async function planManifest(files: TreeFiles, name: string, means: TreeMeans): Promise<TreePlan> {
  const { builder, kinds, limits, platform, principal, signal } = means;
  const posted = builder.recognize(await packTar(files), { mostBytes: builder.folderBytes });
  const reading = { builder, limits, kinds, name, isNameOptional: true, signal };
  const folder = await readFolder(posted, reading);
  const changes = await planFolder(
    folder,
    { prune: false, plan: (wanted) => planAsStored(wanted, { ...means, plan: planFunction }) },
    means,
  );
  const objects = await planObjects(folder.objects, { platform, kinds, principal, prune: false });
  await authorizeObjects(objects, principal);
  const functions: FunctionPlan[] = [];
  for (const { name: each, action, work, diff } of changes) {
    const { versions } = folder.functions.find((one) => one.name === each)!;
    const most = versions.toSorted((a, b) => b.weight - a.weight)[0]!;
    functions.push({
      ...{ name: each, path: most.path, former: await formerOf(each, platform), diff },
      ...{ isUnchanged: action === "unchanged", ...work! },
    });
  }
  const missing = [...targetWarnings(objects, changes, platform), ...(await specWarnings(objects))];
  return { isGroup: !folder.isOneFunction, functions, objects, warnings: [...folder.warnings, ...missing] };
}

/** Undefined if there is no such function. */
export async function formerOf(
  name: string,
  platform: Pick<Platform, "describe">,
): Promise<FormerFunction | undefined> {
  const described = await platform.describe(name);
  if (described === undefined) return undefined;
  const { version, traffic, sticky, guard } = described;
  return { version, traffic, rules: { ...(sticky && { sticky }), ...(guard && { guard }) } };
}
