import type { Endpoints, Share, Traffic, VersionEndpoints } from "./platform.ts";
import { Problem } from "./problems.ts";

/** Parts of the traffic that one version may have: far finer than anybody counts. */
const MOST_WEIGHT = 1_000_000;

/**
 * Checks shares of which nothing is known yet.
 * @throws Problem `invalid_request`
 */
export function checkTraffic(traffic: Traffic): Traffic {
  if (traffic.length === 0) {
    throw new Problem("invalid_request", "The traffic names no version: name at least one, with a weight.");
  }
  const seen = new Set<number>();
  for (const { version, weight } of traffic) {
    if (seen.has(version)) {
      throw new Problem("invalid_request", `The traffic names version ${version} twice: name it once.`);
    }
    seen.add(version);
    if (!Number.isInteger(weight) || weight < 1 || weight > MOST_WEIGHT) {
      throw new Problem(
        "invalid_request",
        `The weight of version ${version} is ${weight}: use a whole number from 1 to ${MOST_WEIGHT}.`,
      );
    }
  }
  return traffic;
}

/** The version with most of the traffic, the newest of equals; undefined if there is no traffic. */
export function currentVersion(traffic: Traffic): number | undefined {
  let most: Share | undefined;
  for (const share of traffic) if (most === undefined || leads(share, most)) most = share;
  return most?.version;
}

/**
 * The version for one call.
 * @param random a number from 0 to below 1
 */
export function chooseVersion(traffic: Traffic, random: number): number | undefined {
  let left = random * traffic.reduce((sum, { weight }) => sum + weight, 0);
  for (const { version, weight } of traffic) {
    left -= weight;
    if (left < 0) return version;
  }
  return traffic.at(-1)?.version;
}

/** The part of all calls that go to a version, from 0 to 1. */
export function shareOf(traffic: Traffic, version: number): number {
  const weight = traffic.find((share) => share.version === version)?.weight ?? 0;
  return weight === 0 ? 0 : weight / traffic.reduce((sum, share) => sum + share.weight, 0);
}

/** Where calls to the current version go; undefined if there is no traffic. */
export function currentOf(endpoints: Endpoints | undefined): VersionEndpoints | undefined {
  return endpoints && versionOf(endpoints, currentVersion(endpoints.traffic));
}

/** Where calls to a version go; undefined if there is no such version. */
export function versionOf(endpoints: Endpoints, version: number | undefined): VersionEndpoints | undefined {
  return endpoints.versions.find((each) => each.version === version);
}

function leads(a: Share, b: Share): boolean {
  return a.weight > b.weight || (a.weight === b.weight && a.version > b.version);
}
