import type { Draft, Platform, Stored, VersionRecord } from "./platform.ts";
import { canonicalSettings } from "./settings/settings.ts";
import { currentVersion, withShare } from "./traffic.ts";

export interface Published extends Stored {
  /** True if this was the current version already. */
  readonly unchanged: boolean;
}

/**
 * Makes `draft` the version that takes all calls of its function. Idempotent: the current version is left as it is. If
 * sending calls to the version fails, it stays stored without calls.
 * @throws the errors of the platform's `store` and `route`
 */
export async function deploy(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  const current = await platform.find(draft.name);
  if (current === undefined || !isSameVersion(current, draft)) return await publish(platform, draft, signal);
  return isServing(platform, current) ? unchanged(current) : await complete(platform, current, signal);
}

/** How many of the calls a version gets. */
export interface Portion {
  /** From 0 to 100; by default all. */
  readonly percent?: number | undefined;
}

/** Stores a version and sends calls to it. */
export async function publish(
  platform: Platform,
  { percent, ...draft }: Draft & Portion,
  signal?: AbortSignal,
): Promise<Published> {
  const stored = await platform.store(draft, signal);
  if (percent !== 0) await complete(platform, { ...stored, percent }, signal);
  return { ...stored, unchanged: false };
}

/** Sends calls to a stored version, such as one whose deploy failed after it was stored. */
export async function complete(
  platform: Platform,
  { name, version, percent = 100 }: Pick<Stored, "name" | "version"> & Portion,
  signal?: AbortSignal,
): Promise<Published> {
  if (percent === 100) await platform.route(name, [{ version, weight: 1 }], signal);
  else await share(platform, { name, version, percent }, signal);
  return { name, version, created: false, unchanged: false };
}

/** The other versions keep their proportions, and the function its rules. */
async function share(
  platform: Platform,
  { name, version, percent }: Pick<Stored, "name" | "version"> & { readonly percent: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const { traffic = [], sticky, guard } = (await platform.describe(name)) ?? {};
  await platform.route(name, withShare(traffic, version, percent), signal, { sticky, guard });
}

/** Returns the result of a deploy that changes nothing. */
export function unchanged({ name, version }: VersionRecord): Published {
  return { name, version, created: false, unchanged: true };
}

/** Whether the version has the largest share of the calls. */
export function isServing(platform: Platform, { name, version }: VersionRecord): boolean {
  return currentVersion(platform.endpoints(name)?.traffic ?? []) === version;
}

type Identity = Pick<Draft, "hash" | "sourceHash" | "settings">;

/** Whether a deploy of `draft` over the version `current` would change nothing. */
export function isSameVersion(current: Identity, draft: Identity): boolean {
  if (current.hash === draft.hash) return true;
  // An older Skiff computed hashes of versions differently.
  const isSameSource = current.sourceHash === draft.sourceHash;
  return isSameSource && canonicalSettings(current.settings) === canonicalSettings(draft.settings);
}
