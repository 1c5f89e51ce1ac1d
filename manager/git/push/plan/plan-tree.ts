import type { Platform, Source } from "../../../../platform/platform.ts";
import { Problem } from "../../../../platform/problems.ts";
import { MANIFESTS } from "../../../deploys/skiff-yaml.ts";
import { packTar } from "../../../files/archive.ts";
import { readFolder } from "../../../files/manifest/read-folder.ts";
import { planFolder } from "../../../files/plan/plan.ts";
import { planFunction } from "../../../files/plan/plan-function.ts";
import {
  authorizeObjects,
  planObjects,
  specWarnings,
  targetWarnings,
} from "../../../files/plan/plan-objects.ts";
import type { TreeFiles } from "../../tree/tree.ts";
import { planAsStored } from "./same-source.ts";
import type { FormerFunction, FunctionPlan, TreeMeans, TreePlan } from "./tree-plan.ts";

/** One file with such a name is deployed as it is. */
const ONLY_FILE = /^main(\.(ts|js|mts|mjs|sh|py|rb|pl))?$/;

/**
 * Compares the files of a commit with what is deployed. Without a `skiff.yaml` they are the source of the function
 * `name`, which keeps its settings.
 * @throws Problem `invalid_declaration`, `invalid_source`, `insufficient_scope`, `push_refused`; those of the builder
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
  if (folder.functions.length === 0 && folder.objects.length === 0) {
    const detail = `${folder.manifest.file} declares no function: name one under functions:, or remove the file to deploy the source as it is.`;
    throw new Problem("push_refused", detail);
  }
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
async function formerOf(
  name: string,
  platform: Pick<Platform, "describe">,
): Promise<FormerFunction | undefined> {
  const described = await platform.describe(name);
  if (described === undefined) return undefined;
  const { version, traffic, sticky, guard } = described;
  return { version, traffic, rules: { ...(sticky && { sticky }), ...(guard && { guard }) } };
}
