import type { InstanceDescription, Load, LogLine, VersionRecord } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { Settings } from "../settings.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { Draining } from "./instances/draining.ts";
import type { StartOptions } from "./instances/instances.ts";
import type { RunningInstance } from "./instances/running-instance.ts";
import { Demand } from "./scaling/demand.ts";
import type { FailureList } from "./scaling/failures.ts";
import { Supply } from "./scaling/supply.ts";

/** Time for which a version without traffic is kept ready to start after its last call. */
const KEPT_MS = 5_000;

export interface RunnerOptions {
  readonly record: VersionRecord;
  /** Those of the record, within the limits of now. */
  readonly settings: Settings;
  /** Silence after which a stream is ended: a call may last so long besides the time of its version. */
  readonly streamIdleMs: number;
  /** Starts a process; bounded over all functions. */
  readonly start: (version: VersionRecord, options: StartOptions) => Promise<RunningInstance>;
  readonly errors: FailureList;
  readonly onLine: (line: LogLine) => void;
  /** The ready instances are others than before. */
  readonly onChange: () => void;
}

/** Keeps the instances of one version as its load asks for them. */
export class VersionRunner {
  readonly record: VersionRecord;
  readonly #options: RunnerOptions;
  readonly #supply: Supply;
  readonly #draining: Draining;
  readonly #demand = new Demand();
  #isRouted = false;

  constructor(options: RunnerOptions) {
    const { record, streamIdleMs, errors, onLine, onChange, start } = options;
    this.record = record;
    this.#options = options;
    this.#draining = new Draining({
      streamIdleMs,
      hasStream: (id) => this.#demand.hasStream(id),
      onKill: ({ id }, because) => this.#log(`instance ${id} ${because}`),
    });
    this.#supply = new Supply({
      name: record.name,
      errors,
      start: (signal, waits) => start(record, { onLine, signal, waits }),
      wanted: () => ({
        all: this.#demand.instances(this.#scaled),
        forCalls: this.#demand.instancesForCalls(this.#scaled),
      }),
      onChange,
      discard: (instance) => this.#draining.add(instance, 0),
      log: (message, at) => this.#log(message, at),
    });
  }

  /** Within the limits of now. */
  get settings(): Settings {
    return this.#options.settings;
  }

  get isRouted(): boolean {
    return this.#isRouted;
  }

  /** True while it needs `tick`. */
  get isActive(): boolean {
    return this.#supply.count + this.#draining.size > 0 || this.#scaled.min > 0;
  }

  /** True if nothing is lost when it is made again from its record, and nobody needed it lately. */
  isUnused(nowMs: number): boolean {
    if (this.#isRouted || this.#draining.size > 0 || !this.#supply.isQuiet) return false;
    return this.#supply.isClosed || this.#demand.idleForMs(nowMs) >= KEPT_MS;
  }

  get ready(): readonly RunningInstance[] {
    return this.#supply.ready;
  }

  get load(): Pick<Load, "inFlight" | "waiting"> {
    return this.#demand.load;
  }

  describe(): InstanceDescription[] {
    return [
      ...this.#supply.describe(),
      ...[...this.#draining].map((instance) => instance.describe("draining")),
    ];
  }

  /** Why no instance is ready although one should be; undefined if all is as it should be. */
  notReady(nowMs: number): string | undefined {
    return this.#supply.notReady(nowMs);
  }

  /**
   * Starts what is missing to `count` ready instances. Those that were started serve after `take` only.
   * @throws StartError when one does not become ready; Problem `no_capacity`; the signal's reason. None is left then
   */
  bringUp(count: number, signal: AbortSignal): Promise<readonly RunningInstance[]> {
    const isReady = this.ready.length > 0;
    const missing = Math.max(count - this.#supply.count, isReady ? 0 : 1);
    return this.#supply.bringUp(missing, signal);
  }

  take(instances: readonly RunningInstance[]): void {
    this.#demand.touch(performance.now());
    this.#supply.take(instances);
  }

  /** Ends instances of `bringUp`. */
  giveUp(instances: readonly RunningInstance[]): Promise<void> {
    return this.#supply.giveUp(instances);
  }

  /** Whether the version takes traffic: one that has lost it drains. */
  route(isRouted: boolean): void {
    const before = this.#isRouted;
    this.#isRouted = isRouted;
    if (before && !isRouted) {
      for (const instance of this.#supply.removeAll(movedOn())) void this.#draining.add(instance);
      // Those who waited go where the traffic goes.
      this.#supply.release();
    }
    this.#supply.reconcile();
  }

  /** The load of this version as the routers count it. */
  report(load: Load): void {
    const nowMs = performance.now();
    this.#demand.report(load, nowMs);
    const { count } = this.#supply;
    if (this.#demand.desired(this.#scaled, count, nowMs) > count) this.#supply.reconcile();
  }

  /** @throws Problem `no_capacity` when it does not start, also not at once again; why it was closed */
  wake(): Promise<void> {
    this.#demand.touch(performance.now());
    return this.#supply.wake();
  }

  /** Idleness and scaling in; called a few times a second while it is active. */
  tick(nowMs: number): void {
    const { count, ready } = this.#supply;
    const desired = this.#demand.desired(this.#scaled, count, nowMs);
    if (count < desired) this.#supply.reconcile();
    if (count <= desired) return;
    // The youngest go first. One with calls stays until they have ended: there may be a stream among them.
    const idle = ready.filter(({ id }) => this.#demand.isIdle(id));
    this.#stop(idle.slice(desired - count));
  }

  /** Instances that calls do not need, for whom others may need their memory more; the youngest first. */
  *idle(nowMs: number): Iterable<EvictableInstance> {
    const settings = this.#scaled;
    const { ready } = this.#supply;
    const idle = ready.filter(({ id }) => this.#demand.isIdle(id));
    const idleForMs = this.#demand.idleForMs(nowMs);
    let left = ready.length;
    const needed = Math.max(this.#demand.instancesForCalls(settings), this.#supply.isWaitedFor ? 1 : 0);
    for (const instance of idle.reverse()) {
      if (--left < needed) return;
      const { usedMiB = instance.expectedMiB } = instance;
      yield { instance, usedMiB, idleForMs, isKept: left < settings.min, stop: () => this.#stop([instance]) };
    }
  }

  /**
   * Stops everything and rejects those who wait with `why`. Calls under way may finish within `graceMs`, by
   * default as when the version loses its traffic. Called again, it shortens the grace.
   */
  async close(why: Problem, graceMs?: number): Promise<void> {
    const instances = this.#supply.close(why);
    await Promise.all([
      this.#draining.end(graceMs),
      ...instances.map((instance) => this.#draining.add(instance, graceMs)),
      this.#supply.settled(),
    ]);
  }

  /** A version without traffic keeps no `min`. */
  get #scaled(): Settings {
    return this.#isRouted ? this.settings : { ...this.settings, min: 0 };
  }

  #stop(instances: readonly RunningInstance[]): void {
    for (const instance of this.#supply.remove(instances)) void this.#draining.add(instance);
  }

  #log(text: string, at = new Date()): void {
    this.#options.onLine({ at, instance: "", stream: "platform", text });
  }
}

function movedOn(): Problem {
  return new Problem("no_capacity", "The traffic goes to another version.", { retryAfterS: 1 });
}
