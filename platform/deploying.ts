import type { Draft, Platform, Stored, VersionRecord } from "./platform.ts";
import { canonicalSettings } from "./settings.ts";

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
  if (current !== undefined && isSameVersion(current, draft)) return unchanged(current);
  return await publish(platform, draft, signal);
}

/** Stores a version and sends all calls to it, also if it is the same as the current one. */
export async function publish(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  const stored = await platform.store(draft, signal);
  await platform.route(draft.name, [{ version: stored.version, weight: 1 }], signal);
  return { ...stored, unchanged: false };
}

/** What a deploy that changes nothing answers. */
export function unchanged({ name, version }: VersionRecord): Published {
  return { name, version, created: false, unchanged: true };
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
