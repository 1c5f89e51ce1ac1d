import type { InstanceDescription, Load, LogLine, VersionRecord } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { Settings } from "../settings/settings.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { Draining } from "./instances/draining.ts";
import type { StartOptions } from "./instances/instances.ts";
import type { RunningInstance } from "./instances/running-instance.ts";
import { Spent } from "./instances/spent.ts";
import { Demand, REFILL_MS } from "./scaling/demand.ts";
import { Supply } from "./scaling/supply.ts";
import type { SupplyOptions } from "./scaling/supply-options.ts";

/** How an instance with one call in its life ends after it. */
const DONE = "exited with code 0";
/** Time for which a version without traffic keeps its runner after its last call. */
const KEPT_MS = 5_000;

export interface RunnerOptions extends Pick<SupplyOptions, "errors" | "onChange"> {
  readonly record: VersionRecord;
  /** The settings of the record within today's limits. */
  readonly settings: Settings;
  /** Silence that ends a stream. A call may last this long on top of the timeout of its version. */
  readonly streamIdleMs: number;
  /** Starts an instance; the number of starts at a time is limited over all functions. */
  readonly start: (version: VersionRecord, options: StartOptions) => Promise<RunningInstance>;
  readonly onLine: (line: LogLine) => void;
}

/** Runs the instances that the load of one version needs. */
export class VersionRunner {
  readonly record: VersionRecord;
  readonly settings: Settings;
  readonly #onLine: RunnerOptions["onLine"];
  readonly supply: Supply;
  readonly #draining: Draining;
  readonly #spent: Spent;
  readonly #demand = new Demand(() => [...this.#draining.all, ...this.#spent.ids()]);
  #refill: NodeJS.Timeout | undefined;
  /** Set by `route`. */
  isRouted = false;

  constructor({ record, settings, streamIdleMs, errors, onLine, onChange, start }: RunnerOptions) {
    this.record = record;
    this.settings = settings;
    this.#onLine = onLine;
    this.#draining = new Draining({
      streamIdleMs,
      hasStream: (id) => this.#demand.on(id).streams > 0,
      onKill: ({ id }, because) => this.#log(`instance ${id} ${because}`),
    });
    this.#spent = new Spent({
      hasCall: (id) => this.#demand.on(id).calls > 0,
      onOverdue: (instance) => void this.#draining.add(instance),
      onEnd: (instance, how) => this.#spentEnded(instance, how),
    });
    this.supply = new Supply({
      name: record.name,
      errors,
      start: (signal, waits, isSpare) => start(record, { onLine, signal, waits, isSpare }),
      wanted: () => this.#demand.wanted(this.#scaled, performance.now()),
      onSpent: (instance) => this.#tookItsCall(instance, performance.now()),
      onChange,
      discard: (instance) => this.#draining.add(instance, 0),
      log: (message, at) => this.#log(message, at),
    });
  }

  /** True while it needs `tick`. */
  get isActive(): boolean {
    return this.supply.count + this.#leaving > 0 || this.#scaled.min > 0;
  }

  /** True if it has no state to lose and had no call for KEPT_MS. It can be made again from its record. */
  isUnused(nowMs: number): boolean {
    if (this.isRouted || this.#leaving > 0 || !this.supply.isQuiet) return false;
    return this.supply.isClosed || this.#demand.idleForMs(nowMs) >= KEPT_MS;
  }

  get ready(): readonly RunningInstance[] {
    return this.supply.ready;
  }

  get load(): Pick<Load, "inFlight" | "waiting"> {
    return this.#demand.load;
  }

  describe(): InstanceDescription[] {
    const draining = [...this.#draining.all].map((instance) => instance.describe("draining"));
    const spent = [...this.#spent.all].map((instance) => instance.describe("spent"));
    return [...this.supply.describe(), ...spent, ...draining];
  }

  /** Starts the instances missing to `count` ready ones. See Supply.bringUp. */
  bringUp(count: number, signal: AbortSignal): Promise<readonly RunningInstance[]> {
    const isReady = this.ready.length > 0;
    const missing = Math.max(count - this.supply.count, isReady ? 0 : 1);
    return this.supply.bringUp(missing, signal);
  }

  take(instances: readonly RunningInstance[]): void {
    this.#demand.touch(performance.now());
    this.supply.take(instances);
  }

  /** Sets whether the version has traffic. When it loses its traffic, its instances drain. */
  route(isRouted: boolean): void {
    const before = this.isRouted;
    this.isRouted = isRouted;
    if (before && !isRouted) {
      const movedOn = new Problem("no_capacity", "The traffic goes to another version.", { retryAfterS: 1 });
      for (const instance of this.supply.removeAll(movedOn)) void this.#draining.add(instance);
      // The routers place waiting calls by the new traffic.
      this.supply.release();
    }
    this.supply.reconcile();
  }

  report(load: Load): void {
    const nowMs = performance.now();
    this.#demand.report(load, nowMs);
    const { count } = this.supply;
    if (this.#demand.desired(this.#scaled, count, nowMs) > count) this.supply.reconcile();
  }

  /** See Supply.wake. */
  wake(): Promise<void> {
    this.#demand.touch(performance.now());
    return this.supply.wake();
  }

  /** Scales out and in; called a few times a second while it is active. */
  tick(nowMs: number): void {
    this.#spent.check(nowMs);
    const { count } = this.supply;
    const desired = this.#demand.desired(this.#scaled, count, nowMs);
    if (count < desired) this.supply.reconcile();
    if (count <= desired) return;
    // The youngest stop first. Instances with calls stay, because a call may be a stream.
    this.#stop(this.#idle.slice(desired - count));
  }

  /** Instances that calls do not need and that may be stopped for their memory, youngest first. */
  *idle(nowMs: number): Iterable<EvictableInstance> {
    const idle = this.#idle;
    const idleForMs = this.#demand.idleForMs(nowMs);
    let left = this.ready.length;
    const { forCalls } = this.#demand.wanted(this.#scaled, nowMs);
    const needed = Math.max(forCalls, this.supply.isWaitedFor ? 1 : 0);
    const { min } = this.#scaled;
    for (const instance of idle.reverse()) {
      if (--left < needed) return;
      const { usedMiB = instance.expectedMiB } = instance;
      yield { instance, usedMiB, idleForMs, isKept: left < min, stop: () => this.#stop([instance]) };
    }
  }

  /**
   * Ends every instance and rejects waiting wakes with `why`. Calls under way may finish within `graceMs`, by default as
   * when the version loses its traffic. A second call can shorten the grace.
   */
  async close(why: Problem, graceMs?: number): Promise<void> {
    const instances = [...this.supply.close(why), ...this.#spent.removeAll()];
    await Promise.all([
      this.#draining.end(graceMs),
      ...instances.map((instance) => this.#draining.add(instance, graceMs)),
      this.supply.settled(),
    ]);
  }

  /** Ready instances without calls, oldest first. */
  get #idle(): RunningInstance[] {
    return this.supply.ready.filter(({ id }) => this.#demand.on(id).calls === 0);
  }

  /** The settings for scaling: only versions with traffic have `min` and a pool. Spent instances count for `max`. */
  get #scaled(): Settings {
    const { settings } = this;
    const max = Math.max(0, settings.max - this.#spent.count);
    const kept = this.isRouted ? { min: Math.min(settings.min, max) } : { min: 0, pool: 0 };
    return { ...settings, max, ...kept };
  }

  /** Instances that take no further call. */
  get #leaving(): number {
    return this.#draining.all.size + this.#spent.count;
  }

  #tookItsCall(instance: RunningInstance, nowMs: number): void {
    this.#spent.add(instance, nowMs);
    this.#demand.taken(instance.id, nowMs);
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.supply.reconcile();
    }, REFILL_MS).unref();
  }

  /** The place of a spent instance is free for another one, if the version has its most instances. */
  #spentEnded({ id }: RunningInstance, how: string): void {
    if (how !== DONE) this.supply.note(`instance ${id} ${how}`);
    this.supply.reconcile();
  }

  #stop(instances: readonly RunningInstance[]): void {
    for (const instance of this.supply.remove(instances)) void this.#draining.add(instance);
  }

  #log(text: string, at = new Date()): void {
    this.#onLine({ at, instance: "", version: this.record.version, stream: "platform", text });
  }
}
