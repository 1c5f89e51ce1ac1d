import { deploy, type Published } from "../../../platform/deploying.ts";
import type {
  Draft,
  Instance,
  Load,
  Platform,
  VersionEndpoints,
  WakeStep,
} from "../../../platform/platform.ts";
import { currentOf } from "../../../platform/traffic.ts";

/** Makes `draft` the version that takes all calls, as a deploy does. */
export function publish(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  return deploy(platform, draft, signal);
}

/** Where calls to the current version go; undefined if there is no such function. */
export function servingOf(platform: Pick<Platform, "endpoints">, name: string): VersionEndpoints | undefined {
  return currentOf(platform.endpoints(name));
}

/** The ready instances of the current version; none if there is no such function. */
export function instancesOf(platform: Pick<Platform, "endpoints">, name: string): readonly Instance[] {
  return servingOf(platform, name)?.instances ?? [];
}

/** Wakes the current version, or one of a function that is not there. */
export async function wake(platform: Platform, name: string): Promise<readonly WakeStep[]> {
  return (await platform.wake(name, servingOf(platform, name)?.version ?? 1)) ?? [];
}

/** Reports a load of the current version, or of one of a function that is not there. */
export function report(platform: Platform, load: Omit<Load, "version">): void {
  platform.report({ ...load, version: servingOf(platform, load.name)?.version ?? 1 });
}
