import { FREE_SPACE, isDiskFull } from "../disk-full.ts";
import type { EndpointsTable } from "../endpoints-table.ts";
import { LogBuffer } from "../log-buffer.ts";
import type { InstanceDescription, Load, LogLine } from "../platform.ts";
import { outOf, Problem } from "../problems.ts";
import { shortageOf } from "../shortage.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import { Draining } from "./instances/draining.ts";
import type { StartOptions } from "./instances/instances.ts";
import type { RunningInstance } from "./instances/running-instance.ts";
import { HEALTHY_AFTER_MS } from "./scaling/backoff.ts";
import { Demand } from "./scaling/demand.ts";
import { Failures } from "./scaling/failures.ts";
import { isNoCapacity, startTogether } from "./scaling/start-together.ts";
import { Starts } from "./scaling/starts.ts";
import { Waiting } from "./scaling/waiting.ts";
import type { VersionRecord } from "./store/store.ts";

const WAIT_OUT_MS = 1_000;
/** Time after which an instance besides others is started again for which there was no memory. */
const REFUSED_MS = 1_000;

export interface RunnerOptions {
  readonly name: string;
  readonly endpoints: EndpointsTable;
  /** Silence after which a stream is ended, which a call may last besides the time of its version. */
  readonly streamIdleMs: number;
  /** Starts a process for a version; bounded over all functions. */
  readonly start: (version: VersionRecord, options: StartOptions) => Promise<RunningInstance>;
  readonly onLine: (name: string, line: LogLine) => void;
}

export interface ReplaceOptions {
  /** Makes the new version durable. */
  readonly commit: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Keeps the instances of one function as its load asks for them. Never more than one version is current. */
export class FunctionRunner {
  readonly log = new LogBuffer();
  readonly #options: RunnerOptions;
  readonly #instances = new Set<RunningInstance>();
  /** Instances of a version that is about to become current. */
  readonly #arriving = new Set<RunningInstance>();
  readonly #draining: Draining;
  readonly #failures = new Failures();
  readonly #demand = new Demand();
  readonly #starts = new Starts();
  readonly #waiting = new Waiting();
  readonly #closing = new AbortController();
  #version: VersionRecord | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** That is why the last instance broke. */
  #isDiskFull = false;
  /** Why the last start was refused, until one succeeds. */
  #refusal: Problem | undefined;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#draining = new Draining({
      streamIdleMs: options.streamIdleMs,
      hasStream: (id) => this.#demand.hasStream(id),
      onKill: ({ id }, because) => {
        this.#line({ at: new Date(), instance: "", stream: "platform", text: `instance ${id} ${because}` });
      },
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** True while it needs `tick`. */
  get active(): boolean {
    return this.#instances.size + this.#draining.size > 0 || (this.#version?.settings.min ?? 0) > 0;
  }

  get current(): VersionRecord | undefined {
    return this.#version;
  }

  get lastErrors(): readonly { at: Date; message: string }[] {
    return this.#failures.errors;
  }

  get readyCount(): number {
    return this.#ready().length;
  }

  describeInstances(): InstanceDescription[] {
    return [
      ...[...this.#instances, ...this.#arriving].map((instance) =>
        instance.describe(instance.readyAtMs === undefined ? "starting" : "ready"),
      ),
      ...[...this.#draining].map((instance) => instance.describe("draining")),
    ];
  }

  /** Why no instance is ready although one should be; undefined if all is as it should be. */
  notReady(nowMs: number): string | undefined {
    if (this.readyCount > 0 || !this.#version) return undefined;
    const forLoad = this.#demand.instances(this.#version.settings);
    const refusal = this.#waiting.some || forLoad > 0 ? this.#refusal?.detail : undefined;
    return (
      this.#failures.describe(nowMs) ??
      refusal ??
      (forLoad > 0 || this.#waiting.some ? "Starting." : undefined)
    );
  }

  /** Makes a stored version current without starting more than its `min`. */
  adopt(version: VersionRecord): void {
    this.#version = version;
    this.#publishEndpoints();
    this.#reconcile();
  }

  /**
   * Starts as many instances of `next` as serve now, at least one; `commit` makes it durable; then it
   * takes over and the version before it drains.
   * @throws StartError when an instance of `next` does not become ready, or the signal's reason; nothing
   * is changed then
   */
  async replace(next: VersionRecord, { commit, signal }: ReplaceOptions): Promise<void> {
    const forLoad = this.#demand.instances(next.settings);
    const count = Math.max(1, next.settings.min, Math.min(forLoad, this.readyCount));
    const started = await startTogether(
      (signal, waits) => this.#options.start(next, { onLine: (line) => this.#line(line), signal, waits }),
      { count, signal: AbortSignal.any([signal, this.#closing.signal]), arriving: this.#arriving },
    );
    const giveUp = () => Promise.all(started.map((instance) => this.#draining.add(instance, 0)));
    try {
      await commit();
    } catch (error) {
      await giveUp();
      throw error;
    }
    // It is stored; the next start of the platform makes it current.
    if (this.#closing.signal.aborted) return void (await giveUp());
    const before = [...this.#instances];
    this.#version = next;
    this.#instances.clear();
    this.#forgive();
    for (const instance of started) this.#add(instance);
    this.#demand.touch(performance.now());
    this.#publishEndpoints();
    for (const instance of before) void this.#draining.add(instance);
    this.#reconcile();
  }

  /** What the routers see of the load of this function's name, also after it was removed. */
  report(load: Load): void {
    const nowMs = performance.now();
    this.#demand.report(load, nowMs);
    if (!this.#version || this.#closing.signal.aborted) return;
    const current = this.#count();
    if (this.#demand.desired(this.#version.settings, current, nowMs) > current) this.#reconcile();
  }

  /** @throws Problem `no_capacity` when it does not start, also not at once again */
  wake(): Promise<void> {
    if (this.readyCount > 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    // A short back-off is waited out; a long one is an answer.
    const isLong = this.#failures.waitMs(performance.now()) > WAIT_OUT_MS;
    if (isLong && !this.#waiting.some) return Promise.reject(this.#doesNotStart());
    const woken = this.#waiting.wait();
    this.#demand.touch(performance.now());
    this.#reconcile();
    return woken;
  }

  /** Idleness and scaling in; called a few times a second while it is active. */
  tick(nowMs: number): void {
    if (!this.#version) return;
    const current = this.#count();
    const desired = this.#demand.desired(this.#version.settings, current, nowMs);
    if (current < desired) this.#reconcile();
    if (current <= desired) return;
    // The youngest go first. One with calls stays until they have ended: there may be a stream among them.
    const idle = this.#ready().filter(({ id }) => this.#demand.isIdle(id));
    const surplus = idle.slice(desired - current);
    this.#stop(surplus);
  }

  /** Instances that calls do not need, for whom others may need their memory more; the youngest first. */
  *idle(nowMs: number): Iterable<EvictableInstance> {
    if (!this.#version) return;
    const { settings } = this.#version;
    const ready = this.#ready();
    const idle = ready.filter(({ id }) => this.#demand.isIdle(id));
    const idleForMs = this.#demand.idleForMs(nowMs);
    let left = ready.length;
    const needed = Math.max(this.#demand.instancesForCalls(settings), this.#waiting.some ? 1 : 0);
    for (const instance of idle.reverse()) {
      if (--left < needed) return;
      const { usedMiB = instance.expectedMiB } = instance;
      yield { instance, usedMiB, idleForMs, isKept: left < settings.min, stop: () => this.#stop([instance]) };
    }
  }

  /**
   * Stops everything and tells those who wait `why`. Calls under way may finish within `graceMs`, by
   * default as when a version is replaced. Called again, it shortens the grace.
   */
  async close(why: Problem, graceMs?: number): Promise<void> {
    this.#closing.abort(why);
    clearTimeout(this.#retry);
    this.#waiting.reject(why);
    const instances = [...this.#instances];
    this.#instances.clear();
    await Promise.all([
      this.#draining.end(graceMs),
      ...instances.map((instance) => this.#draining.add(instance, graceMs)),
      this.#starts.settled(),
    ]);
    this.log.close();
  }

  #stop(instances: readonly RunningInstance[]): void {
    const stopped = instances.filter((instance) => this.#instances.delete(instance));
    if (stopped.length === 0) return;
    this.#publishEndpoints();
    for (const instance of stopped) void this.#draining.add(instance);
  }

  #doesNotStart(): Problem {
    const retryAfterS = Math.max(1, Math.ceil(this.#failures.waitMs(performance.now()) / 1_000));
    const why = this.#isDiskFull ? `the disk is full: ${FREE_SPACE}` : "its log says why";
    const detail = `The function "${this.#options.name}" does not start; ${why}. Try again in ${retryAfterS} s.`;
    return new Problem("no_capacity", detail, { retryAfterS });
  }

  #ready(): RunningInstance[] {
    return [...this.#instances].filter((instance) => instance.readyAtMs !== undefined);
  }

  #count(): number {
    return this.#instances.size + this.#starts.queued;
  }

  /** Starts what is missing, now or when the back-off is over. */
  #reconcile(): void {
    if (this.#closing.signal.aborted || !this.#version || this.#retry) return;
    const { settings } = this.#version;
    const forLoad = this.#demand.instances(settings);
    const missing = Math.max(forLoad, this.#waiting.some ? 1 : 0) - this.#count();
    if (missing <= 0) return;
    const nowMs = performance.now();
    const waitMs = this.#failures.waitMs(nowMs);
    if (waitMs === 0) {
      // Where calls have no instance at all, one start waits for memory; the others are tried now and then.
      const isFirst =
        this.#count() === 0 && (this.#waiting.some || this.#demand.instancesForCalls(settings) > 0);
      if (!isFirst && nowMs - this.#refusedAtMs < REFUSED_MS) return;
      for (let i = 0; i < missing; i++) this.#startOne(isFirst && i === 0);
      return;
    }
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#reconcile();
    }, waitMs);
  }

  #startOne(waits: boolean): void {
    const version = this.#version;
    if (!version) return;
    const { signal } = this.#closing;
    const isWanted = () => !signal.aborted && this.#version === version;
    const start = this.#options.start(version, { onLine: (line) => this.#line(line), signal, waits });
    this.#starts.begin(start, {
      started: (instance) => (isWanted() ? this.#add(instance) : this.#draining.add(instance, 0)),
      failed: (error) => {
        if (!isWanted()) return;
        if (isNoCapacity(error)) this.#refused(error, waits);
        else this.#broke(`an instance could not be started: ${error}`, error);
      },
    });
  }

  #add(instance: RunningInstance): void {
    this.#instances.add(instance);
    this.#refusal = undefined;
    const served = () => {
      if (this.#instances.has(instance)) this.#publishEndpoints();
    };
    // A failed start is told by `exited`.
    if (instance.readyAtMs === undefined) instance.ready.then(served, () => {});
    void instance.exited.then((how) => {
      if (!this.#instances.delete(instance) || instance.stopping) return;
      const { readyAtMs, cause } = instance;
      if (readyAtMs === undefined) return this.#broke(`instance ${instance.id} did not start: ${how}`, cause);
      if (performance.now() - readyAtMs >= HEALTHY_AFTER_MS) this.#forgive();
      this.#publishEndpoints();
      this.#broke(`instance ${instance.id} ${how}`);
    });
  }

  /** There was no memory for a start, which is held against nobody. */
  #refused(why: Problem, hadWaited: boolean): void {
    this.#refusal = why;
    this.#refusedAtMs = performance.now();
    if (this.#count() > 0) return;
    if (hadWaited) this.#waiting.reject(why);
    else if (this.#waiting.some) this.#reconcile();
  }

  #broke(message: string, cause?: unknown): void {
    const at = new Date();
    this.#line({ at, instance: "", stream: "platform", text: message });
    const shortage = shortageOf(cause);
    if (shortage !== undefined) {
      // No fault of the function: who waits has an answer, and nothing is held against the next start.
      this.#refused(outOf(shortage), true);
      return;
    }
    this.#isDiskFull = isDiskFull(cause);
    this.#failures.add({ at, message }, performance.now());
    this.#reconcile();
    // After the first in a row the next start is under way already: they wait for that. After the second
    // it pauses, and they have an answer: nobody waits for more than two starts.
    if (this.#count() === 0) this.#waiting.reject(this.#doesNotStart());
  }

  #forgive(): void {
    this.#failures.forgive();
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #line(line: LogLine): void {
    this.log.push(line);
    this.#options.onLine(this.#options.name, line);
  }

  #publishEndpoints(): void {
    if (this.#closing.signal.aborted || !this.#version) return;
    const { name, version, settings } = this.#version;
    const instances = this.#ready();
    const { concurrency, timeoutMs } = settings;
    this.#options.endpoints.set({
      name,
      traffic: [{ version, weight: 1 }],
      versions: [{ version, concurrency, timeoutMs, instances }],
    });
    if (instances.length > 0) this.#waiting.resolve();
  }
}
