import type { InstanceDescription } from "../../platform.ts";
import { outOf, type Problem } from "../../problems.ts";
import { shortageOf } from "../../shortage.ts";
import type { RunningInstance } from "../instances/running-instance.ts";
import { type FailureList, Failures, HEALTHY_AFTER_MS } from "./failures.ts";
import { isNoCapacity, startTogether } from "./start-together.ts";
import { Starts } from "./starts.ts";

/** A wake waits for a back-off up to this long; a longer one is an answer. */
const WAIT_OUT_MS = 1_000;
/** Time after which an instance besides others is started again for which there was no memory. */
const REFUSED_MS = 1_000;

export interface Wanted {
  /** Instances that there should be. */
  readonly all: number;
  /** Those among them without which calls would wait. */
  readonly forCalls: number;
}

export interface SupplyOptions {
  readonly name: string;
  readonly errors: FailureList;
  /** `waits`: calls have no instance, so that the start waits for memory instead of being refused. */
  readonly start: (signal: AbortSignal, waits: boolean) => Promise<RunningInstance>;
  /** What the load asks for; whether a wake waits comes on top. */
  readonly wanted: () => Wanted;
  /** The ready instances are others than before. */
  readonly onChange: () => void;
  /** Ends an instance that is not needed; resolves when it has ended. */
  readonly discard: (instance: RunningInstance) => Promise<void>;
  readonly log: (message: string, at: Date) => void;
}

/** The instances of one version: starts those that are missing, backs off when they break, and answers who waits. */
export class Supply {
  readonly #options: SupplyOptions;
  readonly #failures: Failures;
  readonly #instances = new Set<RunningInstance>();
  /** Instances that `bringUp` has started and that do not serve yet. */
  readonly #arriving = new Set<RunningInstance>();
  readonly #starts: Starts;
  readonly #closing = new AbortController();
  #woken: PromiseWithResolvers<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Why the last start was refused, until one succeeds. */
  #refusal: Problem | undefined;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SupplyOptions) {
    this.#options = options;
    const { start, discard } = options;
    this.#failures = new Failures(options.errors);
    this.#starts = new Starts({
      start,
      discard,
      started: (instance) => this.#add(instance),
      failed: (error, waits) => this.#notStarted(error, waits),
    });
  }

  get ready(): RunningInstance[] {
    return [...this.#instances].filter(({ readyAtMs }) => readyAtMs !== undefined);
  }

  /** Instances that serve, start, or wait for their start. */
  get count(): number {
    return this.#instances.size + this.#starts.queued;
  }

  get isWaitedFor(): boolean {
    return this.#woken !== undefined;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** True if nothing is there, nothing is under way, and nothing has to be remembered. */
  get isQuiet(): boolean {
    const isEmpty = this.#instances.size + this.#arriving.size === 0 && !this.#starts.some;
    return isEmpty && !this.isWaitedFor && this.#failures.waitMs(performance.now()) === 0;
  }

  describe(): InstanceDescription[] {
    return [...this.#instances, ...this.#arriving].map((instance) =>
      instance.describe(instance.readyAtMs === undefined ? "starting" : "ready"),
    );
  }

  /** Why no instance is ready although one should be; undefined if all is as it should be. */
  notReady(nowMs: number): string | undefined {
    if (this.ready.length > 0) return undefined;
    const isNeeded = this.isWaitedFor || this.#options.wanted().all > 0;
    const broken = this.#failures.describe(nowMs);
    return broken ?? (isNeeded ? (this.#refusal?.detail ?? "Starting.") : undefined);
  }

  /**
   * Starts `count` instances that do not serve before `take`, whatever the back-off is.
   * @throws StartError when one does not become ready; Problem `no_capacity`; the signal's reason. None is left then
   */
  async bringUp(count: number, outer: AbortSignal): Promise<readonly RunningInstance[]> {
    const signal = AbortSignal.any([outer, this.#closing.signal]);
    signal.throwIfAborted();
    const isNeeded = this.ready.length === 0;
    return await startTogether(this.#options.start, { count, isNeeded, signal, arriving: this.#arriving });
  }

  /** Lets instances of `bringUp` serve. They have proved that the version works. */
  take(instances: readonly RunningInstance[]): void {
    if (instances.length === 0) return;
    this.#forgive();
    for (const instance of instances) {
      this.#arriving.delete(instance);
      this.#add(instance);
    }
    this.#changed();
  }

  /** Ends instances of `bringUp`. */
  async giveUp(instances: readonly RunningInstance[]): Promise<void> {
    for (const instance of instances) this.#arriving.delete(instance);
    await Promise.all(instances.map(this.#options.discard));
  }

  /** @throws Problem `no_capacity` when it does not start, also not at once again; why it was closed */
  wake(): Promise<void> {
    if (this.ready.length > 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const isLong = this.#failures.waitMs(performance.now()) > WAIT_OUT_MS;
    if (isLong && !this.isWaitedFor) return Promise.reject(this.#doesNotStart);
    this.#woken ??= Promise.withResolvers();
    const { promise } = this.#woken;
    this.reconcile();
    return promise;
  }

  /** Lets those go who wait: whoever still needs the version asks again. */
  release(): void {
    this.#woken?.resolve();
    this.#woken = undefined;
  }

  /** Starts what is missing, now or when the back-off is over. */
  reconcile(): void {
    if (this.#closing.signal.aborted || this.#retry) return;
    const { all, forCalls } = this.#options.wanted();
    const missing = Math.max(all, this.isWaitedFor ? 1 : 0) - this.count;
    if (missing <= 0) return;
    const nowMs = performance.now();
    const waitMs = this.#failures.waitMs(nowMs);
    if (waitMs > 0) {
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.reconcile();
      }, waitMs);
      return;
    }
    // Where calls have no instance at all, one start waits for memory; the others are tried now and then.
    const isFirst = this.count === 0 && (this.isWaitedFor || forCalls > 0);
    if (!isFirst && nowMs - this.#refusedAtMs < REFUSED_MS) return;
    for (let i = 0; i < missing; i++) this.#starts.begin(isFirst && i === 0);
  }

  /** Takes instances out; returns those that were there, for the caller to end. */
  remove(instances: Iterable<RunningInstance>): RunningInstance[] {
    const removed = [...instances].filter((instance) => this.#instances.delete(instance));
    if (removed.length > 0) this.#changed();
    return removed;
  }

  /** Takes every instance out, and takes back the starts under way. */
  removeAll(why: Problem): RunningInstance[] {
    this.#starts.cancel(why);
    return this.remove([...this.#instances]);
  }

  /** Starts nothing any more and rejects those who wait; returns the instances, for the caller to end. */
  close(why: Problem): RunningInstance[] {
    this.#closing.abort(why);
    this.#starts.cancel(why);
    clearTimeout(this.#retry);
    this.#reject(why);
    const instances = [...this.#instances];
    this.#instances.clear();
    return instances;
  }

  /** Resolves when no start is under way any more. */
  settled(): Promise<void> {
    return this.#starts.settled();
  }

  #notStarted(error: unknown, waits: boolean): void {
    if (isNoCapacity(error)) this.#refused(error, waits);
    else this.#broke(`an instance could not be started: ${error}`, error);
  }

  #add(instance: RunningInstance): void {
    this.#instances.add(instance);
    this.#refusal = undefined;
    const serves = () => {
      if (this.#instances.has(instance)) this.#changed();
    };
    // `exited` handles a start that fails.
    if (instance.readyAtMs === undefined) instance.ready.then(serves, () => {});
    void instance.exited.then((how) => {
      if (!this.#instances.delete(instance) || instance.stopping) return;
      const { readyAtMs, cause } = instance;
      if (readyAtMs === undefined) return this.#broke(`instance ${instance.id} did not start: ${how}`, cause);
      if (performance.now() - readyAtMs >= HEALTHY_AFTER_MS) this.#forgive();
      this.#changed();
      this.#broke(`instance ${instance.id} ${how}`);
    });
  }

  #changed(): void {
    this.#options.onChange();
    if (this.ready.length > 0) this.release();
  }

  /** There was no memory for a start, which is held against nobody. */
  #refused(why: Problem, hadWaited: boolean): void {
    this.#refusal = why;
    this.#refusedAtMs = performance.now();
    if (this.count > 0) return;
    if (hadWaited) this.#reject(why);
    else if (this.isWaitedFor) this.reconcile();
  }

  #broke(message: string, cause?: unknown): void {
    const at = new Date();
    this.#options.log(message, at);
    const shortage = shortageOf(cause);
    if (shortage !== undefined) {
      // No fault of the function: who waits has an answer, and nothing is held against the next start.
      this.#refused(outOf(shortage), true);
      return;
    }
    this.#failures.add({ at, message }, performance.now(), cause);
    this.reconcile();
    // After the first in a row the next start is under way already: they wait for that. After the second
    // it pauses, and they have an answer: nobody waits for more than two starts.
    if (this.count === 0) this.#reject(this.#doesNotStart);
  }

  #reject(why: Problem): void {
    this.#woken?.reject(why);
    this.#woken = undefined;
  }

  get #doesNotStart(): Problem {
    return this.#failures.problem(this.#options.name, performance.now());
  }

  #forgive(): void {
    this.#failures.forgive();
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}
