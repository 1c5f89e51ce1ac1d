import type { Draft, Platform, Stored, VersionRecord } from "./platform.ts";
import { canonicalSettings } from "./settings/settings.ts";
import { currentVersion } from "./traffic.ts";

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

/** Stores a version and sends all calls to it. */
export async function publish(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  const stored = await platform.store(draft, signal);
  await complete(platform, stored, signal);
  return { ...stored, unchanged: false };
}

/** Sends all calls to a stored version, such as one whose deploy failed after it was stored. */
export async function complete(
  platform: Platform,
  { name, version }: Pick<Stored, "name" | "version">,
  signal?: AbortSignal,
): Promise<Published> {
  await platform.route(name, [{ version, weight: 1 }], signal);
  return { name, version, created: false, unchanged: false };
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
