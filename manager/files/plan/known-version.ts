import type { Platform, VersionRecord } from "../../../platform/platform.ts";
import { canonicalSettings, type Settings } from "../../../platform/settings/settings.ts";
import { sourceHash } from "../../../platform/version-hash.ts";
import type { FolderVersion } from "../manifest/read-folder.ts";
import { type CompareMeans, isSameSource } from "./compare.ts";

export interface Sought {
  readonly name: string;
  readonly version: FolderVersion;
  /** The kept versions, the best one first. */
  readonly records: readonly VersionRecord[];
}

/**
 * Finds the kept version that a folder declares, the first of several: the same source and settings. Values of variables
 * that the folder leaves out are those of the kept version. Secrets count by their name, because deploys keep them new.
 */
export async function knownVersion(
  { name, version, records }: Sought,
  means: CompareMeans & { readonly platform: Platform },
): Promise<number | undefined> {
  const hash = await sourceHash(version.source);
  for (const record of records) {
    if (!hasSameSettings(record.settings, version)) continue;
    if (record.sourceHash === hash) return record.version;
    const stored = await means.platform.readSource(name, record.version);
    if (stored && (await isSameSource(stored, version, means))) return record.version;
  }
  return undefined;
}

function hasSameSettings(stored: Settings, { settings, kept }: FolderVersion): boolean {
  if (kept.some(({ variable }) => !Object.hasOwn(stored.env, variable))) return false;
  const values = Object.fromEntries(kept.map(({ variable }) => [variable, stored.env[variable]!]));
  const wanted = { ...settings, env: { ...settings.env, ...values } };
  return canonicalSettings(withoutVersions(wanted)) === canonicalSettings(withoutVersions(stored));
}

function withoutVersions(settings: Settings): Settings {
  const secrets = Object.entries(settings.secrets).map(([name, { secret }]) => [
    name,
    { secret, version: 0 },
  ]);
  return { ...settings, secrets: Object.fromEntries(secrets) };
}
