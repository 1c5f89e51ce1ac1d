import type { Platform, Traffic } from "../../../platform/platform.ts";
import { isSameTraffic } from "../../../platform/traffic.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { PendingSwitch } from "../repository.ts";
import { meanwhile } from "./meanwhile.ts";

export type Switches = Readonly<Record<string, PendingSwitch>>;

export interface SwitchMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly reachedAt: readonly string[];
}

/** Gives functions their new traffic. Nothing aborts it. @throws the error of the first one that fails */
export async function switchAll(switches: Switches, means: SwitchMeans): Promise<void> {
  const changes = Object.entries(switches).filter(([, { traffic }]) => traffic.length > 0);
  // All host names are checked before the first function takes one.
  for (const [name, { version }] of changes) await checkHosts(name, version, means);
  for (const [name, change] of changes) await switchOne(name, change, means.platform);
}

async function switchOne(name: string, change: PendingSwitch, platform: Platform): Promise<void> {
  const { version, traffic, rules, former } = change;
  // Without traffic the newest version counts as the current one.
  const isNewest = former === undefined || former.traffic.length === 0;
  const expected = [...(former ? [former.version] : []), ...(isNewest ? [version] : [])];
  try {
    await platform.route(name, traffic, undefined, { ...rules, expected });
  } catch (error) {
    throw meanwhile(error, name);
  }
}

async function checkHosts(
  name: string,
  version: number,
  { platform, deploys, reachedAt }: SwitchMeans,
): Promise<void> {
  const { hosts = [] } = (await platform.find(name, version))?.settings ?? {};
  deploys.checkHosts({ name, hosts, reachedAt });
}

/** Whether a function has, or had, the traffic of the push. */
export async function hasSwitched(
  name: string,
  { version, hash, traffic, former }: PendingSwitch,
  platform: Platform,
): Promise<boolean> {
  const record = await platform.find(name, version);
  if (record?.hash !== hash) return false;
  const now = platform.endpoints(name)?.traffic ?? [];
  if (traffic.length === 0 || isSameTraffic(now, traffic)) return true;
  if (isSameTraffic(now, former?.traffic ?? [])) return false;
  const hadCalls = former?.traffic.some((share) => share.version === version) ?? false;
  if (!hadCalls && now.some((share) => share.version === version)) return true;
  return (await platform.describe(name))?.previous === version;
}

/** The traffic of a function once it has changed; a version without calls leaves it alone. */
export function trafficAfter({ traffic, former }: PendingSwitch): Traffic {
  return traffic.length > 0 ? traffic : (former?.traffic ?? []);
}
