import { includesScope } from "../../platform/keys/scopes.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Platform, Source, VersionNote } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { defaultSettings, type Settings } from "../../platform/settings/settings.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import type { Principal } from "../access/principal.ts";
import type { DeployOrder, Deploys } from "../deploys/deploys.ts";
import { Mistakes } from "./manifest/mistakes.ts";
import type { Folder, FolderFunction } from "./manifest/read-folder.ts";
import { formOf, type ShowVariable } from "./settings-form.ts";
import { type Contents, hasSameFiles, unifiedDiff } from "./unified-diff.ts";
import { visibleFunctions } from "./visible-functions.ts";
import { yamlText } from "./yaml-text.ts";

/** What an apply does to one function. */
export interface PlannedChange {
  readonly name: string;
  readonly action: "create" | "update" | "unchanged" | "remove";
  /** The current version; absent for a function that is created. */
  readonly version?: number;
  /** Settings and source as a unified diff; empty for a function that stays or is removed. */
  readonly diff: string;
  /** Absent for a removal. */
  readonly order?: Omit<DeployOrder, "signal" | "reachedAt">;
}

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

/** Functions that are compared at a time. */
const AT_ONCE = 8;
/** May hold secrets, and the diff of the settings says what they change. */
const SETTINGS_FILES = ["skiff.yaml", "skiff.yml"];

/**
 * Compares a folder with what is deployed.
 * @param prune whether functions that the folder does not declare are removed, as far as the caller may see them
 * @throws Problem `invalid_declaration`; those of the builder and of the platform
 */
export async function planFolder(
  folder: Folder,
  { prune }: { readonly prune: boolean },
  means: PlanMeans,
): Promise<PlannedChange[]> {
  const mistakes = new Mistakes();
  const { functions } = folder;
  const currents = await Promise.all(functions.map(({ name }) => means.platform.find(name)));
  for (const [index, { kept }] of functions.entries()) {
    for (const { variable, pointer } of kept) {
      if (Object.hasOwn(currents[index]?.settings.env ?? {}, variable)) continue;
      const message = `There is no value of ${variable} to keep: write it instead of "***".`;
      mistakes.add(folder.manifest, pointer, message);
    }
  }
  mistakes.refuse();
  const changes: PlannedChange[] = [];
  for (let at = 0; at < functions.length; at += AT_ONCE) {
    const some = functions.slice(at, at + AT_ONCE);
    changes.push(...(await Promise.all(some.map((each) => planFunction(each, means)))));
  }
  if (!prune) return changes;
  const declared = new Set(functions.map(({ name }) => name));
  const others = (await visibleFunctions(means.platform, means.principal)).filter(
    ({ name }) => !declared.has(name),
  );
  return [
    ...changes,
    ...others.map(({ name, version }) => ({ name, version, action: "remove", diff: "" }) as const),
  ];
}

async function planFunction(wanted: FolderFunction, means: PlanMeans): Promise<PlannedChange> {
  const { name, base, kept, patch, declared, source, message } = wanted;
  const { platform, deploys, signal } = means;
  const common = {
    name,
    patch,
    declared,
    principal: means.principal,
    note: { ...means.note, ...(message === undefined ? {} : { message }) },
    base: { settings: base, keptEnv: kept.map(({ variable }) => variable) },
  };
  const first = await deploys.plan({ ...common, source, signal });
  const { current } = first;
  if (first.isUnchanged)
    return { name, action: "unchanged", version: current!.version, diff: "", order: { ...common, source } };
  const stored = current && (await platform.readSource(name, current.version));
  // The same files are the same source, whatever archive they came in.
  const isSame =
    current?.sourceHash === first.version.sourceHash ||
    (stored && (await isSameSource(stored, wanted, means)));
  const order = { ...common, source: isSame && stored ? stored : source };
  const planned = isSame && stored ? await deploys.plan({ ...order, signal }) : first;
  const action = current === undefined ? "create" : planned.isUnchanged ? "unchanged" : "update";
  const version = current === undefined ? {} : { version: current.version };
  // A diff shows what only readers may read.
  const isShown = action !== "unchanged" && includesScope(means.principal.scopes, "read");
  if (!isShown) return { name, action, ...version, diff: "", order };
  const settings = await settingsDiff(current?.settings, planned.version.settings, means.limits);
  const files =
    !current || isSame ? "" : await filesDiff(stored && (await filesOf(stored, means)), wanted.files);
  return { name, action, ...version, diff: settings + files, order };
}

/** An archive that does not unpack any more is another source. */
async function isSameSource(
  stored: Source,
  { source, files }: FolderFunction,
  means: PlanMeans,
): Promise<boolean> {
  const isText = (each: Source) => each.type === "text/typescript";
  if (isText(stored) || isText(source)) return false;
  const before = await filesOf(stored, means);
  return before !== undefined && hasSameFiles(before, files);
}

async function filesOf(stored: Source, { builder, signal }: PlanMeans): Promise<Contents | undefined> {
  try {
    return (await builder.unpack(stored, signal)).files;
  } catch (error) {
    if (error instanceof Problem && /^(invalid_source|source_too_large)$/.test(error.code)) return undefined;
    throw error;
  }
}

function filesDiff(before: Contents = new Map(), after: Contents): Promise<string> {
  const shown = (files: Contents) => new Map([...files].filter(([path]) => !SETTINGS_FILES.includes(path)));
  return unifiedDiff(shown(before), shown(after));
}

/** Shows which settings differ from the defaults, before and after, without values of `env`. */
async function settingsDiff(before: Settings | undefined, after: Settings, limits: Limits): Promise<string> {
  const defaults = defaultSettings(limits);
  const hidden: ShowVariable = () => "***";
  const compared: ShowVariable = (name, value) =>
    before === undefined || !Object.hasOwn(before.env, name) || before.env[name] === value
      ? "***"
      : "*** (changed)";
  const text = async (settings: Settings, show: ShowVariable) => {
    const form = formOf(settings, defaults, show);
    return Object.keys(form).length === 0 ? "" : await yamlText(form);
  };
  const old = before === undefined ? "" : await text(before, hidden);
  const fresh = await text(after, compared);
  const contents = (content: string) => new Map(content === "" ? [] : [["settings", Buffer.from(content)]]);
  return await unifiedDiff(contents(old), contents(fresh));
}
