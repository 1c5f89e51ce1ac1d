import type { Limits } from "../../../platform/limits.ts";
import type { Source, Traffic } from "../../../platform/platform.ts";
import { defaultSettings, type Settings } from "../../../platform/settings/settings.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import { ARCHIVES, SETTINGS_FILES } from "../../deploys/skiff-yaml.ts";
import type { FolderVersion } from "../manifest/read-folder.ts";
import { formOf, type ShowVariable } from "../settings-form.ts";
import { type Contents, hasSameFiles, unifiedDiff } from "../unified-diff.ts";
import { unpackOrUndefined } from "../unpack-or-undefined.ts";
import { yamlText } from "../yaml-text.ts";

export interface CompareMeans {
  readonly builder: Builder;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** Whether a stored archive has the files of a version: the same files are the same source, however they are packed. */
export async function isSameSource(
  stored: Source,
  { source, files }: Pick<FolderVersion, "source" | "files">,
  means: CompareMeans,
): Promise<boolean> {
  if (!isArchive(stored) || !isArchive(source)) return false;
  const before = await unpackOrUndefined(stored, means);
  return before !== undefined && hasSameFiles(before, files);
}

/** One file is the same source if its bytes are. */
function isArchive({ type }: Source): boolean {
  return ARCHIVES.includes(type);
}

/** Shows how the files of a source differ from those of a stored one. */
export async function filesDiff(stored: Source, after: Contents, means: CompareMeans): Promise<string> {
  const before = (await unpackOrUndefined(stored, means)) ?? new Map<string, Uint8Array>();
  // They may hold secrets, and the diff of the settings says what they change.
  const shown = (files: Contents) => new Map([...files].filter(([path]) => !SETTINGS_FILES.includes(path)));
  return await unifiedDiff(shown(before), shown(after));
}

/** Shows which settings differ from the defaults, before and after, without values of `env`. */
export async function settingsDiff(
  before: Settings | undefined,
  after: Settings,
  limits: Limits,
): Promise<string> {
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
  return await textDiff("settings", old, await text(after, compared));
}

/** A share of the calls; the version is absent until it is deployed. */
export interface PlannedShare {
  readonly version: number | undefined;
  readonly weight: number;
}

/** Shows which versions take calls, before and after. */
export function trafficDiff(before: Traffic, after: readonly PlannedShare[]): Promise<string> {
  const text = (shares: readonly PlannedShare[]) =>
    shares
      .map(({ version, weight }) => `version ${version ?? "(new)"}: ${weight}\n`)
      .sort()
      .join("");
  return textDiff("traffic", text(before), text(after));
}

/** Shows how a text differs from another one, both without a file for an empty one. */
export function textDiff(name: string, before: string, after: string): Promise<string> {
  const contents = (content: string) => new Map(content === "" ? [] : [[name, Buffer.from(content)]]);
  return unifiedDiff(contents(before), contents(after));
}
