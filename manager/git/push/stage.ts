import type { RouteRules, Traffic, VersionRecord } from "../../../platform/platform.ts";
import { unknownFunction } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";
import { currentVersion, withShare } from "../../../platform/traffic.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import type { Deployed } from "../../deploys/deploys.ts";
import type { PendingSwitch } from "../repository.ts";
import { meanwhile } from "./meanwhile.ts";
import type { FunctionPlan, TreeMeans, VersionPlan } from "./plan/tree-plan.ts";

/** A function whose versions are stored and have answered a probe. None takes other calls than before. */
export interface StagedFunction {
  readonly plan: FunctionPlan;
  /** The version with the source of the commit; of several the one with most of the calls. */
  readonly record: VersionRecord;
  /** How its traffic changes; absent if it stays. */
  readonly change?: PendingSwitch;
}

export interface StageMeans extends Pick<TreeMeans, "platform" | "deploys" | "signal"> {
  /** Share of the calls that new versions get; by default all. */
  readonly percent?: number | undefined;
  readonly reachedAt: readonly string[];
  readonly say: (line: string) => void;
}

/** What failed, by function. */
export class StageFailed extends Error {
  readonly failures: readonly { readonly plan: FunctionPlan; readonly error: unknown }[];

  constructor(failures: StageFailed["failures"]) {
    super(`${failures.map(({ plan }) => plan.name).join(", ")} could not be deployed`);
    this.failures = failures;
  }
}

/** Changes under way at a time; the builds and starts behind them have bounds of their own. */
const AT_ONCE = 8;

/** Builds, stores and probes the versions of functions. @throws StageFailed when all have ended */
export async function stageAll(plans: readonly FunctionPlan[], means: StageMeans): Promise<StagedFunction[]> {
  const places = new Semaphore({ places: AT_ONCE });
  const ended = await Promise.allSettled(plans.map((plan) => places.run(() => stage(plan, means))));
  const staged = ended.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failures = ended.flatMap((each, index) =>
    each.status === "rejected"
      ? [{ plan: plans[index]!, error: meanwhile(each.reason, plans[index]!.name) }]
      : [],
  );
  if (failures.length > 0) throw new StageFailed(failures);
  return staged;
}

async function stage(plan: FunctionPlan, means: StageMeans): Promise<StagedFunction> {
  const { name, former, versions, isSplit, reroutes } = plan;
  const { platform } = means;
  const made: number[] = [];
  const weights = new Map<number, number>();
  for (const each of versions) {
    const isFirst = former === undefined && made.length === 0;
    // A function that was deleted meanwhile is not made anew.
    const expected = isFirst ? ("absent" as const) : ("exists" as const);
    const order = { ...each.order, expected };
    const deployed = each.known === undefined ? await stageOne(order, means) : undefined;
    const version = deployed?.version ?? each.known!;
    if (deployed && !deployed.unchanged) made.push(version);
    if (each.weight > 0) weights.set(version, (weights.get(version) ?? 0) + each.weight);
  }
  const shares = [...weights].map(([version, weight]) => ({ version, weight }));
  const version = currentVersion(shares) ?? made.at(-1) ?? former!.version;
  const record = await platform.find(name, version);
  if (record === undefined) throw unknownFunction(name);
  const isServing = version === former?.version && former.traffic.length > 0;
  if (made.length === 0 && isServing && !reroutes) return { plan, record };
  const wanted = wantedRoute(plan, { version, shares, percent: means.percent });
  // A version of an earlier push was probed then: it may have lost its instance since.
  if (made.length === 0 && !isServing && !isSplit && wanted.traffic.length > 0)
    await platform.wake(name, version);
  const change = { version, hash: record.hash, ...wanted, ...(former && { former }) };
  return { plan, record, change };
}

async function stageOne(
  order: VersionPlan["order"],
  { deploys, reachedAt, signal, say }: StageMeans,
): Promise<Deployed> {
  const { name } = order;
  say(`${name}: building…`);
  const onBuilt = (buildMs: number | undefined) =>
    say(buildMs === undefined ? `${name}: starting…` : `${name}: built in ${formatMs(buildMs)}, starting…`);
  const deployed = await deploys.deploy({ ...order, percent: 0, reachedAt, signal, onBuilt });
  const { version, unchanged, buildMs, startMs } = deployed;
  const times = [
    ...(buildMs === undefined ? [] : [`build ${formatMs(buildMs)}`]),
    `start ${formatMs(startMs)}`,
  ];
  if (!unchanged) say(`${name}: ready as version ${version} (${times.join(", ")})`);
  return deployed;
}

/** The traffic and rules of a function when its versions take their calls; without traffic, none does. */
function wantedRoute(
  { isSplit, rules, former }: FunctionPlan,
  {
    version,
    shares,
    percent = 100,
  }: { readonly version: number; readonly shares: Traffic; readonly percent?: number | undefined },
): { readonly traffic: Traffic; readonly rules: RouteRules } {
  if (percent === 0) return { traffic: [], rules: {} };
  if (isSplit) return { traffic: shares, rules };
  if (percent === 100) return { traffic: [{ version, weight: 1 }], rules: {} };
  return { traffic: withShare(former?.traffic ?? [], version, percent), rules: former?.rules ?? {} };
}
