import type { Platform } from "../../../platform/platform.ts";
import { toProblem } from "../../../platform/problems.ts";
import { currentVersion } from "../../../platform/traffic.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import type { Deployed, Deploys } from "../../deploys/deploys.ts";
import { requireKnownSecrets } from "../../deploys/newest-secrets.ts";
import type { PlannedChange, PlannedWork } from "./plan.ts";

/** What became of a planned change. */
export interface Outcome {
  readonly change: PlannedChange;
  /** `skipped`: a removal that did not happen, because another function failed. */
  readonly state: "planned" | "done" | "failed" | "skipped";
  /** The versions that were deployed, or were there already. */
  readonly deployed?: readonly Deployed[];
  /** The version with most of the calls now. */
  readonly version?: number | undefined;
  readonly error?: unknown;
}

export interface CarryOutOptions {
  readonly deploys: Deploys;
  readonly platform: Platform;
  readonly reachedAt: readonly string[];
  readonly signal: AbortSignal;
  /**
   * Called after everything is deployed, before anything is removed, with the functions that could not be deployed. Returns
   * whether functions may be removed.
   */
  readonly beforeRemovals: (failed: readonly string[]) => Promise<boolean>;
  /** Called for each change as it ends. */
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Changes under way at a time; the builds and starts behind them have bounds of their own. */
const AT_ONCE = 8;

/**
 * Carries a plan out. A change that fails changes nothing of its function and undoes no other. Removals come last and only
 * if nothing failed, so that a renamed function does not lose its old name before the new one works. A function whose
 * host name another one has is deployed again when the others are done: that one may have given the name up.
 */
export async function carryOut(plan: readonly PlannedChange[], options: CarryOutOptions): Promise<Outcome[]> {
  const outcomes = new Map<PlannedChange, Outcome>();
  const end = (outcome: Outcome) => {
    outcomes.set(outcome.change, outcome);
    options.onOutcome(outcome);
  };
  const removals = plan.filter(({ action }) => action === "remove");
  const blocked: Outcome[] = [];
  await each(
    plan.filter(({ work }) => work !== undefined),
    async (change) => {
      const outcome = await deployOne(change, options);
      if (isHostTaken(outcome)) blocked.push(outcome);
      else end(outcome);
    },
  );
  const failed = [...outcomes.values()].filter(({ state }) => state === "failed");
  // A host name that stays taken is a failure too, unless a removal frees it.
  const isStuck = blocked.length > 0 && removals.length === 0;
  const notDeployed = [...failed, ...(isStuck ? blocked : [])].map(({ change }) => change.name);
  const mayRemove = (await options.beforeRemovals(notDeployed)) && notDeployed.length === 0;
  await each(removals, async (change) =>
    end(mayRemove ? await removeOne(change, options) : { change, state: "skipped" }),
  );
  await each(blocked, async ({ change }) => end(await deployOne(change, options)));
  return plan.map((change) => outcomes.get(change)!);
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const places = new Semaphore({ places: AT_ONCE });
  await Promise.all(items.map((item) => places.run(() => work(item))));
}

async function deployOne(change: PlannedChange, options: CarryOutOptions): Promise<Outcome> {
  try {
    const deployed = await (change.work!.isSplit ? deploySplit : deploySingle)(change, options);
    return { change, state: "done", ...deployed };
  } catch (error) {
    return { change, state: "failed", error };
  }
}

type Done = Pick<Outcome, "deployed" | "version">;

async function deploySingle(
  { name, work }: PlannedChange,
  { deploys, platform, reachedAt, signal }: CarryOutOptions,
): Promise<Done> {
  const { versions, reroutes } = work!;
  const deployed = await deploys.deploy({ ...versions[0]!.order, reachedAt, signal });
  const { version, unchanged } = deployed;
  // The deploy of a version that has most of the calls leaves the others theirs.
  if (reroutes && unchanged) await platform.route(name, [{ version, weight: 1 }], signal);
  return { deployed: [deployed], version };
}

/** Deploys what is not there yet without calls, and shares them then: callers see all or nothing of it. */
async function deploySplit(
  { name, version: current, work }: PlannedChange,
  { deploys, platform, reachedAt, signal }: CarryOutOptions,
): Promise<Done> {
  const { versions, rules, reroutes } = work!;
  if (reroutes) await checkSecrets(name, versions, platform);
  const deployed: Deployed[] = [];
  const weights = new Map<number, number>();
  for (const { known, weight, order } of versions) {
    let version = known;
    if (version === undefined) {
      const made = await deploys.deploy({ ...order, percent: 0, reachedAt, signal });
      deployed.push(made);
      version = made.version;
    }
    if (weight > 0) weights.set(version, (weights.get(version) ?? 0) + weight);
  }
  const traffic = [...weights].map(([version, weight]) => ({ version, weight }));
  const most = currentVersion(traffic) ?? current ?? deployed.at(-1)?.version;
  if (!reroutes) return { deployed, version: most };
  const settings = (await platform.find(name, most))?.settings;
  if (settings) deploys.checkHosts({ name, hosts: settings.hosts, reachedAt });
  await platform.route(name, traffic, signal, rules);
  return { deployed, version: most };
}

/** Deploys check the versions that are new. */
async function checkSecrets(
  name: string,
  versions: PlannedWork["versions"],
  platform: Platform,
): Promise<void> {
  const current = (await platform.find(name))?.settings;
  for (const { known, order } of versions) {
    const settings = known === undefined ? undefined : (await platform.find(name, known))?.settings;
    if (settings && order.principal) requireKnownSecrets(order.principal, settings, current);
  }
}

async function removeOne(change: PlannedChange, { deploys }: CarryOutOptions): Promise<Outcome> {
  try {
    // False: somebody else removed it, which is the wanted state.
    await deploys.remove(change.name);
    return { change, state: "done" };
  } catch (error) {
    return { change, state: "failed", error };
  }
}

function isHostTaken({ error }: Outcome): boolean {
  return error !== undefined && toProblem(error).code === "host_taken";
}
