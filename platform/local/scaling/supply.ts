import type { InstanceDescription } from "../../platform.ts";
import { outOf, Problem } from "../../problems.ts";
import { shortageOf } from "../../shortage.ts";
import type { RunningInstance } from "../instances/running-instance.ts";
import { type Circumstances, Failures, HEALTHY_AFTER_MS } from "./failures.ts";
import type { SupplyOptions } from "./supply-options.ts";

/** Longest back-off that a wake waits for. With a longer one the wake is rejected at once. */
const WAIT_OUT_MS = 1_000;
/** Pause after a start that was refused for lack of memory, unless calls have no instance. */
const REFUSED_MS = 1_000;

/** Instances of one version that start at a time if its pool needs them: the starts of other versions have places too. */
const MOST_FILLING = 4;

/** Starts the missing instances of one version, backs off when they fail, and settles the wakes that wait for one. */
export class Supply {
  readonly #options: SupplyOptions;
  readonly #failures: Failures;
  readonly #instances = new Set<RunningInstance>();
  /** Instances of `bringUp` that do not serve yet. */
  readonly #arriving = new Set<RunningInstance>();
  /** Starts under way, cancelled ones included until they have ended. */
  readonly #starts = new Set<Promise<void>>();
  /** Starts that have no process yet, without the cancelled ones. */
  #queued = 0;
  #cancelling = new AbortController();
  readonly #closing = new AbortController();
  #woken: PromiseWithResolvers<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Why the last start was refused, until one succeeds. */
  #refusal: Problem | undefined;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #poolRefusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SupplyOptions) {
    this.#options = options;
    this.#failures = new Failures(options.errors);
  }

  get ready(): RunningInstance[] {
    return [...this.#instances].filter(({ readyAtMs }) => readyAtMs !== undefined);
  }

  /** Instances that serve, start, or wait for their start. */
  get count(): number {
    return this.#instances.size + this.#queued;
  }

  get #starting(): number {
    return this.count - this.ready.length;
  }

  get isWaitedFor(): boolean {
    return this.#woken !== undefined;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** True without instances, starts, wakes and a back-off. */
  get isQuiet(): boolean {
    const isEmpty = this.#instances.size + this.#arriving.size + this.#starts.size === 0;
    return isEmpty && !this.isWaitedFor && this.#failures.waitMs(performance.now()) === 0;
  }

  describe(): InstanceDescription[] {
    return [...this.#instances, ...this.#arriving].map((instance) =>
      instance.describe(instance.readyAtMs === undefined ? "starting" : "ready"),
    );
  }

  /** Returns why a needed instance is not ready; undefined if one is ready or none is needed. */
  notReady(nowMs: number): string | undefined {
    if (this.ready.length > 0) return undefined;
    const isNeeded = this.isWaitedFor || this.#options.wanted().all > 0;
    const backoff = this.#failures.describe(nowMs);
    return backoff ?? (isNeeded ? (this.#refusal?.detail ?? "Starting.") : undefined);
  }

  /**
   * Starts `count` instances, or fewer if memory is used up, without regard to the back-off. They serve after `take`.
   * @throws StartError of the first that fails; Problem `no_capacity`; the signal's reason. All are ended then
   */
  async bringUp(count: number, outer: AbortSignal): Promise<readonly RunningInstance[]> {
    // A controller keeps its first reason. Later errors follow from that.
    const failed = new AbortController();
    const signal = AbortSignal.any([outer, this.#closing.signal, failed.signal]);
    signal.throwIfAborted();
    const isNeeded = this.ready.length === 0;
    const started: RunningInstance[] = [];
    const kill = () => {
      for (const instance of started) instance.kill("was given up");
    };
    signal.addEventListener("abort", kill);
    const startOne = async (_: unknown, index: number) => {
      const waits = isNeeded && index === 0;
      try {
        const instance = await this.#options.start(signal, waits, false);
        started.push(instance);
        this.#arriving.add(instance);
        if (signal.aborted) kill();
        await instance.ready;
      } catch (error) {
        if (waits || !isNoCapacity(error)) failed.abort(error);
      }
    };
    await Promise.all(Array.from({ length: count }, startOne));
    signal.removeEventListener("abort", kill);
    if (!signal.aborted) return started;
    for (const instance of started) this.#arriving.delete(instance);
    await Promise.all(started.map((instance) => instance.ended));
    throw signal.reason;
  }

  /** Lets instances of `bringUp` serve and resets the back-off, because they became ready. */
  take(instances: readonly RunningInstance[]): void {
    if (instances.length === 0) return;
    this.#resetBackoff();
    for (const instance of instances) {
      this.#arriving.delete(instance);
      this.#add(instance);
    }
    this.#changed();
  }

  async giveUp(instances: readonly RunningInstance[]): Promise<void> {
    for (const instance of instances) this.#arriving.delete(instance);
    await Promise.all(instances.map(this.#options.discard));
  }

  /** Resolves when an instance is ready. @throws Problem `no_capacity` after two failed starts; the reason of `close` */
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

  /** Resolves the wakes that wait. A router that still needs the version wakes it again. */
  release(): void {
    this.#woken?.resolve();
    this.#woken = undefined;
  }

  /** Starts the missing instances, now or after the back-off. */
  reconcile(): void {
    if (this.#closing.signal.aborted || this.#retry) return;
    const { all, withoutPool, forCalls } = this.#options.wanted();
    const needed = Math.max(withoutPool, this.isWaitedFor ? 1 : 0);
    const missing = Math.max(all, needed) - this.count;
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
    // If calls have no instance, one start waits for memory. The others are retried after a pause.
    const isFirst = this.count === 0 && (this.isWaitedFor || forCalls > 0);
    if (!isFirst && nowMs - this.#refusedAtMs < REFUSED_MS) return;
    const forNeed = Math.max(0, needed - this.count);
    for (let i = 0; i < forNeed; i++) this.#begin(isFirst && i === 0);
    if (nowMs - this.#poolRefusedAtMs < REFUSED_MS) return;
    for (let i = forNeed; i < missing && this.#starting < MOST_FILLING; i++) this.#begin(false, true);
  }

  /** Removes instances and returns those that it had; the caller ends them. */
  remove(instances: Iterable<RunningInstance>): RunningInstance[] {
    const removed = [...instances].filter((instance) => this.#instances.delete(instance));
    if (removed.length > 0) this.#changed();
    return removed;
  }

  /** Cancels the starts under way and removes every instance. */
  removeAll(why: Problem): RunningInstance[] {
    this.#cancel(why);
    return this.remove([...this.#instances]);
  }

  /** Stops starting instances and rejects the wakes that wait. Returns the instances; the caller ends them. */
  close(why: Problem): RunningInstance[] {
    this.#closing.abort(why);
    this.#cancel(why);
    clearTimeout(this.#retry);
    this.#reject(why);
    const instances = [...this.#instances];
    this.#instances.clear();
    return instances;
  }

  /** Resolves when every start under way has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#starts);
  }

  #begin(waits: boolean, isSpare = false): void {
    const { start, discard } = this.#options;
    const { signal } = this.#cancelling;
    this.#queued++;
    const begun = start(signal, waits, isSpare)
      .finally(() => signal.aborted || this.#queued--)
      .then(
        (instance) => (signal.aborted ? discard(instance) : this.#add(instance)),
        (error: unknown) => {
          if (signal.aborted) return;
          if (isSpare && isNoCapacity(error)) this.#poolRefusedAtMs = performance.now();
          else this.#startFailed(error, waits);
        },
      )
      .then(() => void this.#starts.delete(begun));
    this.#starts.add(begun);
  }

  #cancel(why: unknown): void {
    this.#queued = 0;
    this.#cancelling.abort(why);
    this.#cancelling = new AbortController();
  }

  #startFailed(error: unknown, waits: boolean): void {
    if (isRefusal(error)) this.#refused(error, waits);
    else {
      const why = error instanceof Problem ? error.detail : error;
      this.#failed(`an instance could not be started: ${why}`, { cause: error });
    }
  }

  #add(instance: RunningInstance): void {
    this.#instances.add(instance);
    this.#refusal = undefined;
    void instance.spent.then(() => this.#spent(instance));
    const onReady = () => this.#instances.has(instance) && this.#changed();
    // `exited` handles a start that fails.
    if (instance.readyAtMs === undefined) instance.ready.then(onReady, () => {});
    void instance.exited.then((how) => {
      if (!this.#instances.delete(instance) || instance.stopping) return;
      const { readyAtMs, cause } = instance;
      if (readyAtMs === undefined)
        return this.#failed(`instance ${instance.id} did not start: ${how}`, { cause });
      if (performance.now() - readyAtMs >= HEALTHY_AFTER_MS) this.#resetBackoff();
      this.#changed();
      this.#failed(`instance ${instance.id} ${how}`, { readyAtMs });
    });
  }

  /** An instance that took a call has started well. Its successor is started meanwhile. */
  #spent(instance: RunningInstance): void {
    if (!this.#instances.delete(instance)) return;
    this.#options.onSpent(instance);
    this.#resetBackoff();
    this.#changed();
    this.reconcile();
  }

  #changed(): void {
    this.#options.onChange();
    if (this.ready.length > 0) this.release();
  }

  /** Handles a start that the machine could not make. It does not count as a failure of the version. */
  #refused(why: Problem, hadWaited: boolean): void {
    this.#refusal = why;
    this.#refusedAtMs = performance.now();
    if (this.count > 0) return;
    if (hadWaited) this.#reject(why);
    else if (this.isWaitedFor) this.reconcile();
  }

  /** Logs and keeps an error that holds no start back, such as the end of an instance during its one call. */
  note(message: string): void {
    const at = new Date();
    this.#options.log(message, at);
    this.#failures.note({ at, message });
  }

  #failed(message: string, circumstances: Circumstances): void {
    const at = new Date();
    this.#options.log(message, at);
    const shortage = shortageOf(circumstances.cause);
    if (shortage !== undefined) {
      this.#refused(outOf(shortage), true);
      return;
    }
    this.#failures.add({ at, message }, performance.now(), circumstances);
    this.reconcile();
    // After the first failure in a row the next start is under way, and wakes wait for it. After the second
    // the back-off begins and wakes are rejected: no wake waits for more than two starts.
    if (this.count === 0) this.#reject(this.#doesNotStart);
  }

  #reject(why: Problem): void {
    this.#woken?.reject(why);
    this.#woken = undefined;
  }

  get #doesNotStart(): Problem {
    return this.#failures.problem(this.#options.name, performance.now());
  }

  #resetBackoff(): void {
    this.#failures.reset();
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}

/** True if this machine cannot start it. The version is not at fault. */
function isRefusal(error: unknown): error is Problem {
  return isNoCapacity(error) || (error instanceof Problem && error.code === "no_sandbox");
}

/** True if the machine had no memory or no place for a start. The version is not at fault. */
function isNoCapacity(error: unknown): error is Problem<"no_capacity"> {
  return error instanceof Problem && error.code === "no_capacity";
}
