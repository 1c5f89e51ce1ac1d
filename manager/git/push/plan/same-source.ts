import type { Source } from "../../../../platform/platform.ts";
import { SETTINGS_FILES } from "../../../deploys/skiff-yaml.ts";
import type { FolderFunction, FolderVersion } from "../../../files/manifest/read-folder.ts";
import type { PlanFunction, PlannedChange } from "../../../files/plan/plan.ts";
import { type Contents, hasSameFiles } from "../../../files/unified-diff.ts";
import { unpackOrUndefined } from "../../../files/unpack-or-undefined.ts";
import type { TreeMeans } from "./tree-plan.ts";

/**
 * Plans a function of a repository. Variables that no commit declared keep their values, and a `skiff.yaml` that says
 * what holds already changes nothing: a version deployed otherwise need not have one in its source.
 */
export async function planAsStored(
  wanted: FolderFunction,
  means: TreeMeans & { readonly plan: PlanFunction },
): Promise<PlannedChange> {
  const { platform, deploys, plan, signal } = means;
  const { name, isSplit } = wanted;
  const current = await platform.find(name);
  const versions: FolderVersion[] = [];
  for (const version of wanted.versions) {
    const kept = await withOtherVariables(version, current?.settings.env ?? {}, () =>
      means.declaredBefore(name),
    );
    // The message is that of the push. Versions that share calls have their own.
    versions.push(isSplit ? kept : { ...kept, message: undefined });
  }
  const change = await plan({ ...wanted, versions }, means);
  const [version] = versions;
  if (isSplit || change.action !== "update" || current === undefined || version === undefined) return change;
  const { order: given } = change.work!.versions[0]!;
  const source = await platform.readSource(name, current.version);
  if (source === undefined || change.work!.reroutes) return change;
  const { isUnchanged } = await deploys.plan({ ...given, source, signal });
  if (!isUnchanged) return change;
  if (!(await isSameSource(source, version.files, () => unpackOrUndefined(source, means)))) return change;
  return { ...change, action: "unchanged", diff: "" };
}

async function withOtherVariables(
  version: FolderVersion,
  env: Readonly<Record<string, string>>,
  declaredBefore: () => Promise<ReadonlySet<string>>,
): Promise<FolderVersion> {
  const isNamed = (variable: string) =>
    Object.hasOwn(version.settings.env, variable) || version.kept.some((each) => each.variable === variable);
  const others = Object.keys(env).filter((variable) => !isNamed(variable));
  if (others.length === 0) return version;
  const removed = await declaredBefore();
  const staying = others.filter((variable) => !removed.has(variable));
  const { pointer } = version;
  return { ...version, kept: [...version.kept, ...staying.map((variable) => ({ variable, pointer }))] };
}

/** The settings were compared already. */
async function isSameSource(
  stored: Source,
  files: Contents,
  unpack: () => Promise<Contents | undefined>,
): Promise<boolean> {
  const wanted = withoutSettings(files);
  if (stored.type === "text/typescript" || stored.type === "application/octet-stream") {
    const [only] = wanted.values();
    return wanted.size === 1 && Buffer.from(stored.bytes).equals(only!);
  }
  const before = await unpack();
  return before !== undefined && hasSameFiles(withoutSettings(before), wanted);
}

function withoutSettings(files: Contents): Contents {
  return new Map([...files].filter(([path]) => !SETTINGS_FILES.includes(path)));
}
