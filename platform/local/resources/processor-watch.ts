import type { InstanceResources } from "./instance-resources.ts";

/** Time between two samples of one instance. */
const SAMPLE_EVERY_MS = 1_000;
/** An instance that used less of a second is idle. */
const RESTING_MS = 30;
/** Longer than any start needs: an instance that used more is watched like any other. */
const START_WORK_MS = 1_000;
/** A thread that wants more of the time than this spins: one with work now and then stays below. */
const SPINS_SHARE = 0.8;
/** A spinning instance yields until it wants less than this, so that its share does not change with every sample. */
const RESTS_SHARE = 0.5;

export interface WatchedProcessor {
  readonly resources: Pick<InstanceResources, "processor" | "threadDemand" | "yieldProcessor">;
  readonly readyAtMs: number | undefined;
}

/** The processor use of an instance since its last sample. */
interface ProcessorUse {
  readonly forMs: number;
  /** Processor time of all its threads. */
  readonly usedMs: number;
  /** Time in which its busiest thread ran or waited for a processor; undefined where the system does not report it. */
  readonly wantedMs: number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly usedMs: number;
  readonly demand: ReadonlyMap<number, number> | undefined;
  readonly isYielding: boolean;
}

/** Finds instances that never stop computing, and gives them a small share of the processor. */
export class ProcessorWatch {
  readonly #samples = new WeakMap<WatchedProcessor, Sample>();
  #ticks = 0;

  /** Samples some of the instances, so that each has its turn once a second. Call it every `tickMs`. */
  tick(instances: Iterable<WatchedProcessor>, nowMs: number, tickMs: number): void {
    const turns = Math.max(1, Math.round(SAMPLE_EVERY_MS / tickMs));
    let index = ++this.#ticks;
    for (const instance of instances) if (index++ % turns === 0) this.#sample(instance, nowMs);
  }

  #sample(instance: WatchedProcessor, nowMs: number): void {
    const { resources, readyAtMs } = instance;
    const before = this.#samples.get(instance);
    const usedMs = resources.processor()?.usedMs;
    if (usedMs === undefined) return;
    const recentMs = usedMs - (before?.usedMs ?? 0);
    // A start may use the processor fully.
    const isStarting = readyAtMs === undefined && usedMs < START_WORK_MS;
    const isBusy = before !== undefined && recentMs >= RESTING_MS && !isStarting;
    const demand = isBusy || before?.isYielding ? resources.threadDemand() : undefined;
    let isYielding = before?.isYielding ?? false;
    if (before !== undefined && !isStarting) {
      const wantedMs = demand && before.demand && largestGrowth(demand, before.demand);
      isYielding = yields(isYielding, { forMs: nowMs - before.atMs, usedMs: recentMs, wantedMs });
      if (isYielding !== before.isYielding) resources.yieldProcessor(isYielding);
    }
    this.#samples.set(instance, { atMs: nowMs, usedMs, demand, isYielding });
  }
}

/** Decides whether an instance gets a small share of the processor. */
export function yields(isYielding: boolean, { forMs, usedMs, wantedMs }: ProcessorUse): boolean {
  return Math.max(usedMs, wantedMs ?? 0) / forMs >= (isYielding ? RESTS_SHARE : SPINS_SHARE);
}

function largestGrowth(now: ReadonlyMap<number, number>, before: ReadonlyMap<number, number>): number {
  let most = 0;
  for (const [thread, ms] of now) most = Math.max(most, ms - (before.get(thread) ?? ms));
  return most;
}
