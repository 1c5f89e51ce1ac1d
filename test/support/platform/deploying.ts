import { deploy, type Published } from "../../../platform/deploying.ts";
import type {
  Draft,
  Endpoints,
  Instance,
  Load,
  Platform,
  VersionEndpoints,
  WakeStep,
} from "../../../platform/platform.ts";
import { currentVersion, versionOf } from "../../../platform/traffic.ts";

/** Makes `draft` the version that takes all calls, as a deploy does. */
export function publish(platform: Platform, draft: Draft, signal?: AbortSignal): Promise<Published> {
  return deploy(platform, draft, signal);
}

/** Where calls to the current version go; undefined without traffic. */
export function currentOf(endpoints: Endpoints | undefined): VersionEndpoints | undefined {
  return endpoints && versionOf(endpoints, currentVersion(endpoints.traffic));
}

/** Where calls to a version go, the current one by default; undefined if there is no such version. */
export function servingOf(
  platform: Pick<Platform, "endpoints">,
  name: string,
  version?: number,
): VersionEndpoints | undefined {
  const endpoints = platform.endpoints(name);
  return version === undefined || !endpoints ? currentOf(endpoints) : versionOf(endpoints, version);
}

/** The ready instances of a version, the current one by default. @throws Error if there is no such version */
export function instancesOf(
  platform: Pick<Platform, "endpoints">,
  name: string,
  version?: number,
): readonly Instance[] {
  const serving = servingOf(platform, name, version);
  if (serving) return serving.instances;
  throw new Error(`no calls can go to ${version === undefined ? name : `version ${version} of ${name}`}`);
}

/** Wakes the current version, or one of a function that is not there. */
export async function wake(platform: Platform, name: string): Promise<readonly WakeStep[]> {
  return (await platform.wake(name, servingOf(platform, name)?.version ?? 1)) ?? [];
}

/** Reports a load of the current version, or of one of a function that is not there. */
export function report(platform: Platform, load: Omit<Load, "version">): void {
  platform.report({ ...load, version: servingOf(platform, load.name)?.version ?? 1 });
}
