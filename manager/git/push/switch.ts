import type { Platform } from "../../../platform/platform.ts";
import { currentVersion } from "../../../platform/traffic.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { PendingSwitch } from "../repository.ts";
import { meanwhile } from "./meanwhile.ts";

export type Switches = Readonly<Record<string, PendingSwitch>>;

export interface SwitchMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly reachedAt: readonly string[];
  readonly print: (line: string) => void;
  /** Called when all functions have again what they had. */
  readonly onUndone?: (() => Promise<unknown>) | undefined;
}

/**
 * Gives functions their new traffic, all or none: if one fails, or `then`, those before it get back what they had. Nothing
 * aborts it.
 * @throws the error of the function, or of `then`
 */
export async function switchAll<T>(
  switches: Switches,
  means: SwitchMeans,
  then: () => Promise<T>,
): Promise<T> {
  const changes = Object.entries(switches).filter(([, { traffic }]) => traffic.length > 0);
  const done: string[] = [];
  try {
    for (const [name, { version }] of changes) await checkHosts(name, version, means);
    for (const [name, change] of changes) {
      await switchOne(name, change, means.platform);
      done.push(name);
    }
    return await then();
  } catch (error) {
    if (await undo(switches, done, means)) await means.onUndone?.();
    throw error;
  }
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

/**
 * Removes functions that the push created, and gives others their traffic back.
 * @returns whether that worked for all of them
 */
export async function undo(
  switches: Switches,
  done: readonly string[],
  means: SwitchMeans,
): Promise<boolean> {
  const { platform, deploys, print } = means;
  let isWhole = true;
  for (const [name, { version, traffic, former }] of Object.entries(switches).reverse()) {
    const expected = [currentVersion(traffic) ?? version];
    try {
      if (former === undefined) await deploys.remove(name, expected);
      else if (done.includes(name) && former.traffic.length > 0)
        await platform.route(name, former.traffic, undefined, { ...former.rules, expected });
    } catch (error) {
      // The next access to the repository tries again: its state says what had begun.
      isWhole = false;
      print(`git: the traffic of ${name} could not be given back: ${(error as Error).message}`);
    }
  }
  return isWhole;
}

/** All host names are checked before the first function takes one. */
async function checkHosts(
  name: string,
  version: number,
  { platform, deploys, reachedAt }: SwitchMeans,
): Promise<void> {
  const { hosts = [] } = (await platform.find(name, version))?.settings ?? {};
  deploys.checkHosts({ name, hosts, reachedAt });
}
