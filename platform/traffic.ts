import type { Endpoints, Share, Traffic, VersionEndpoints } from "./platform.ts";
import { Problem } from "./problems.ts";
import { hasQuota } from "./settings/quota.ts";
import { hasRetry } from "./settings/retry.ts";
import type { Settings } from "./settings/settings.ts";

export const MOST_WEIGHT = 1_000_000;

/**
 * Validates the traffic of a request.
 * @throws Problem `invalid_request`
 */
export function checkTraffic(traffic: Traffic): Traffic {
  const refuse = (detail: string) => new Problem("invalid_request", detail);
  if (traffic.length === 0) throw refuse("The traffic names no version: name at least one, with a weight.");
  const versions = new Set<number>();
  for (const { version, weight } of traffic) {
    if (versions.has(version)) throw refuse(`The traffic names version ${version} twice: name it once.`);
    versions.add(version);
    if (!Number.isInteger(weight) || weight < 1 || weight > MOST_WEIGHT) {
      throw refuse(
        `The weight of version ${version} is ${weight}: use a whole number from 1 to ${MOST_WEIGHT}.`,
      );
    }
  }
  return traffic;
}

/** Returns the version with the largest weight, the newest of equals; undefined without traffic. */
export function currentVersion(traffic: Traffic): number | undefined {
  return [...traffic].sort((a, b) => b.weight - a.weight || b.version - a.version)[0]?.version;
}

/**
 * Gives a version a share of the calls and leaves the others their proportions. Weights are percentages where these are
 * whole numbers.
 * @param percent from 1 to 100
 */
export function withShare(traffic: Traffic, version: number, percent: number): Traffic {
  const others = traffic.filter((share) => share.version !== version);
  if (percent === 100 || others.length === 0) return [{ version, weight: 1 }];
  const whole = totalWeight(others);
  const shares = others.map(({ version: other, weight }) => ({
    version: other,
    weight: weight * (100 - percent),
  }));
  return inSmallNumbers([...shares, { version, weight: whole * percent }]);
}

/** Returns the same proportions with a sum of 100, or else the smallest weights. */
function inSmallNumbers(traffic: Traffic): Traffic {
  const unit = traffic.reduce((common, { weight }) => divisor(common, weight), 0);
  const sum = totalWeight(traffic) / unit;
  const factor = 100 % sum === 0 ? 100 / sum : sum > MOST_WEIGHT ? MOST_WEIGHT / sum : 1;
  return traffic.map(({ version, weight }) => {
    return { version, weight: Math.max(1, Math.round((weight / unit) * factor)) };
  });
}

function divisor(a: number, b: number): number {
  return a === 0 ? b : divisor(b % a, a);
}

/** The traffic of a function, and the last two different versions that had all calls, the last one last. */
export interface TrafficHistory {
  readonly traffic: Traffic;
  readonly whole: readonly number[];
}

/** Returns the history after a change of the traffic. */
export function historyAfter({ whole }: Pick<TrafficHistory, "whole">, traffic: Traffic): TrafficHistory {
  const version = traffic.length === 1 ? traffic[0]!.version : undefined;
  const isNew = version !== undefined && version !== whole.at(-1);
  return { traffic, whole: isNew ? [...whole.slice(-1), version] : whole };
}

/**
 * Returns the version that a rollback goes back to: the last one that had all calls before. Steps between, such as the
 * shares of a canary, are skipped.
 */
export function previousVersion({ traffic, whole }: TrafficHistory): number | undefined {
  return traffic.length === 1 ? whole.at(-2) : whole.at(-1);
}

/**
 * Chooses the version for one call.
 * @param random a number from 0 to below 1
 */
export function chooseVersion(traffic: Traffic, random: number): number | undefined {
  let left = random * totalWeight(traffic);
  for (const { version, weight } of traffic) {
    left -= weight;
    if (left < 0) return version;
  }
  return traffic.at(-1)?.version;
}

/** Whether the same versions have the same weights, in any order. */
export function isSameTraffic(a: Traffic, b: Traffic): boolean {
  const isIn = (share: Share) =>
    b.some(({ version, weight }) => version === share.version && weight === share.weight);
  return a.length === b.length && a.every(isIn);
}

/** Returns the share of all calls that a version takes, from 0 to 1. */
export function shareOf(traffic: Traffic, version: number): number {
  const weight = traffic.find((share) => share.version === version)?.weight ?? 0;
  return weight === 0 ? 0 : weight / totalWeight(traffic);
}

/** Returns the endpoints of a version; undefined if it does not exist. */
export function versionOf(endpoints: Endpoints, version: number | undefined): VersionEndpoints | undefined {
  return endpoints.versions.find((each) => each.version === version);
}

/** The settings of the current version that hold for all versions of a function. */
export type FrontSettings = Partial<Pick<Settings, "hosts" | "access" | "quota" | "cron" | "retry">>;

/**
 * Leaves out what limits nothing. A function without traffic has no host names and no times. An internal one has no host
 * names: an answer there would reveal it.
 */
export function frontOf(
  { hosts = [], access = "public", quota, cron = [], retry }: FrontSettings,
  hasTraffic = true,
): Pick<Endpoints, keyof FrontSettings> {
  return {
    ...(hosts.length > 0 && hasTraffic && access !== "internal" ? { hosts } : {}),
    ...(access === "public" ? {} : { access }),
    ...(hasQuota(quota) ? { quota } : {}),
    ...(cron.length > 0 && hasTraffic ? { cron } : {}),
    ...(hasRetry(retry) ? { retry } : {}),
  };
}

function totalWeight(traffic: Traffic): number {
  return traffic.reduce((sum, { weight }) => sum + weight, 0);
}
