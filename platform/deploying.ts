import type { Draft, Platform, Stored, VersionRecord } from "./platform.ts";
import { canonicalSettings } from "./settings.ts";
import { currentVersion } from "./traffic.ts";

export interface Published extends Stored {
  /** True if this was the current version already. */
  readonly unchanged: boolean;
}

/**
 * Makes `draft` the version that takes all calls of its function. Idempotent: the current version again changes
 * nothing. If sending calls to it fails, the version stays stored, without calls.
 * @throws what `store` and `route` of the platform throw
 */
export async function deploy(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  const current = await platform.find(draft.name);
  if (current === undefined || !isSameVersion(current, draft)) return await publish(platform, draft, signal);
  return isServing(platform, current) ? unchanged(current) : await complete(platform, current, signal);
}

/** Stores a version and sends all calls to it. */
export async function publish(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  const stored = await platform.store(draft, signal);
  await routeAll(platform, stored, signal);
  return { ...stored, unchanged: false };
}

/** Sends all calls to a version whose deploy failed after it was stored. */
export async function complete(
  platform: Platform,
  { name, version }: VersionRecord,
  signal?: AbortSignal,
): Promise<Published> {
  await routeAll(platform, { name, version }, signal);
  return { name, version, created: false, unchanged: false };
}

/** What a deploy answers that changes nothing. */
export function unchanged({ name, version }: VersionRecord): Published {
  return { name, version, created: false, unchanged: true };
}

/** True if calls go to this version more than to any other. */
export function isServing(platform: Platform, { name, version }: VersionRecord): boolean {
  return currentVersion(platform.endpoints(name)?.traffic ?? []) === version;
}

/** True if a deploy of `draft` over the version `current` would change nothing. */
export function isSameVersion(
  current: Pick<VersionRecord, "hash" | "sourceHash" | "settings">,
  draft: Pick<Draft, "hash" | "sourceHash" | "settings">,
): boolean {
  if (current.hash === draft.hash) return true;
  // Versions of an older Skiff have hashes that were made in another way.
  const isSameSource = current.sourceHash === draft.sourceHash;
  return isSameSource && canonicalSettings(current.settings) === canonicalSettings(draft.settings);
}

function routeAll(
  platform: Platform,
  { name, version }: Pick<Stored, "name" | "version">,
  signal?: AbortSignal,
) {
  return platform.route(name, [{ version, weight: 1 }], signal);
}
