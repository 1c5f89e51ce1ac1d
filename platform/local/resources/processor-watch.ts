import type { InstanceResources } from "./instance-resources.ts";
import { yields } from "./spinning.ts";

/** Time between two looks at one instance. */
const LOOK_EVERY_MS = 1_000;
/** An instance that used less of a second rests. */
const RESTING_MS = 30;
/** A start is over after much less: from then on it is watched like any other. */
const START_WORK_MS = 1_000;

export interface WatchedProcessor {
  readonly resources: Pick<InstanceResources, "processor" | "threadDemand" | "yieldProcessor">;
  readonly readyAtMs: number | undefined;
}

interface Look {
  readonly atMs: number;
  readonly usedMs: number;
  readonly demand: ReadonlyMap<number, number> | undefined;
  readonly isYielding: boolean;
}

/** Finds instances that never stop computing, and gives them a small share of the processor beside all others. */
export class ProcessorWatch {
  readonly #looks = new WeakMap<WatchedProcessor, Look>();
  #ticks = 0;

  /** Looks at some of the instances, so that each has its turn once a second; called every `tickMs`. */
  tick(instances: Iterable<WatchedProcessor>, nowMs: number, tickMs: number): void {
    const turns = Math.max(1, Math.round(LOOK_EVERY_MS / tickMs));
    let index = ++this.#ticks;
    for (const instance of instances) if (index++ % turns === 0) this.#look(instance, nowMs);
  }

  #look(instance: WatchedProcessor, nowMs: number): void {
    const { resources, readyAtMs } = instance;
    const before = this.#looks.get(instance);
    const usedMs = resources.processor()?.usedMs;
    if (usedMs === undefined) return;
    const recentMs = usedMs - (before?.usedMs ?? 0);
    // What a start takes is not held against it.
    const isStarting = readyAtMs === undefined && usedMs < START_WORK_MS;
    const isBusy = before !== undefined && recentMs >= RESTING_MS && !isStarting;
    const demand = isBusy || before?.isYielding ? resources.threadDemand() : undefined;
    let isYielding = before?.isYielding ?? false;
    if (before !== undefined && !isStarting) {
      const wantedMs = demand && before.demand && mostOf(demand, before.demand);
      const use = { forMs: nowMs - before.atMs, usedMs: recentMs, wantedMs };
      isYielding = yields(isYielding, use);
      if (isYielding !== before.isYielding) resources.yieldProcessor(isYielding);
    }
    this.#looks.set(instance, { atMs: nowMs, usedMs, demand, isYielding });
  }
}

/** What the thread wanted most since then that wanted most. */
function mostOf(now: ReadonlyMap<number, number>, before: ReadonlyMap<number, number>): number {
  let most = 0;
  for (const [thread, ms] of now) most = Math.max(most, ms - (before.get(thread) ?? ms));
  return most;
}
