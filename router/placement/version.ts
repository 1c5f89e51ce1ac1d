import { inspect } from "node:util";
import type { Limits } from "../../platform/limits.ts";
import type { InstanceLoad, Load, Platform, VersionEndpoints, WakeStep } from "../../platform/platform.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import * as problems from "../exchange/problems.ts";
import { type Counters, type UsageTarget, type VersionCounter, VersionUsage } from "../metrics/stats.ts";
import { InstanceClient } from "../upstream/instance-client.ts";
import { chooseInstance } from "./choose-instance.ts";
import { Pace } from "./pace.ts";

/** A call that waits for an instance. One of its members is called, once. */
export interface Waiter {
  /** The call has a place on the instance, and releases it with `VersionState.release`. */
  placed(instance: InstanceClient): void;
  refused(problem: Problem): void;
  /** Another version takes the calls of the function now. */
  moved(): void;
}

/** The parts of the platform that a router uses. */
export type RouterPlatform = Pick<Platform, "endpoints" | "allEndpoints" | "watch" | "wake" | "report">;

export interface FunctionsOptions {
  readonly platform: RouterPlatform;
  readonly limits: Limits;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
}

/** Shared by all versions of a function. */
export interface VersionOptions extends Omit<FunctionsOptions, "platform"> {
  readonly platform: Pick<Platform, "wake" | "report">;
  readonly name: string;
  readonly counters: Counters;
  /** Called when the last call of a removed version has ended. */
  readonly onUnused: (version: VersionState) => void;
  readonly sheet: UsageTarget;
  /** Receives everything that instances send. Connections share it, because no data stays in it. */
  readonly readBuffer: Buffer;
}

/** Time until the next waking if the woken instance stopped at once, in milliseconds. */
const WAKE_AGAIN_MS = 100;

/** The router's state of one version: its instances, the calls on them and the calls that wait. */
export class VersionState {
  readonly version: number;
  readonly name: string;
  readonly counters: Counters;
  /** Answered calls of this version. */
  readonly counter: VersionCounter;
  readonly usage: VersionUsage;
  /** Calls on instances. */
  inFlight = 0;
  /** The steps of the last waking, where the platform reports them. */
  wakeSteps: readonly WakeStep[] = [];
  readonly #options: VersionOptions;
  readonly #waiting = new Set<Waiter>();
  readonly #pace = new Pace();
  /** Instances that get no new calls and process their last ones. */
  readonly #leaving = new Set<InstanceClient>();
  #endpoints: VersionEndpoints;
  #ready: InstanceClient[] = [];
  #isWaking = false;
  #isRemoved = false;
  #wakeAgain: NodeJS.Timeout | undefined;
  #isReportHeld = false;
  #hasChanged = false;
  readonly #releaseReport = () => {
    this.#isReportHeld = false;
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    this.#options.platform.report(this.load);
  };
  readonly #restart = () => {
    // Its restart is no measure of the pace.
    this.#pace.begin(performance.now());
    this.#serveWaiting();
  };
  readonly #byInstance = (): ReadonlyMap<string, InstanceLoad> => {
    const counts = new Map<string, InstanceLoad>();
    for (const { instance, used, streams } of [...this.#ready, ...this.#leaving]) {
      if (used > 0) counts.set(instance.id, { calls: used, streams });
    }
    return counts;
  };

  constructor(endpoints: VersionEndpoints, options: VersionOptions) {
    this.version = endpoints.version;
    this.name = options.name;
    this.counters = options.counters;
    this.counter = options.counters.versions.of(endpoints.version);
    const { name, sheet } = options;
    this.usage = new VersionUsage({ ...endpoints, name, sheet });
    this.#options = options;
    this.#endpoints = endpoints;
    this.update(endpoints);
  }

  /** Each instance takes one call in its life. */
  get isOnce(): boolean {
    return this.#endpoints.isOnce === true;
  }

  get timeoutMs(): number {
    return this.#endpoints.timeoutMs;
  }

  /** Instances that the platform lists as ready and that are not spent; they may have no place for a call. */
  get readyCount(): number {
    return this.isOnce ? this.#ready.filter(({ isSpent }) => !isSpent).length : this.#ready.length;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get load(): Load {
    const { name, version, inFlight, waiting } = this;
    return { name, version, inFlight, waiting, byInstance: this.#byInstance };
  }

  /** Claims a place on the instance with the fewest calls; undefined if the call has to wait. */
  claim(): InstanceClient | undefined {
    // No call overtakes those that wait.
    return this.#waiting.size > 0 ? undefined : this.#claimBest();
  }

  /** Exchanges the place on `from` for one on an instance not in `others`; undefined if there is none. */
  exchange(from: InstanceClient, others: readonly InstanceClient[]): InstanceClient | undefined {
    const other = chooseInstance(this.#ready.filter((instance) => !others.includes(instance)));
    if (other === undefined) return undefined;
    other.used++;
    this.#releasePlace(from);
    this.#serveWaiting();
    return other;
  }

  /** @throws Problem `too_many_waiting` */
  wait(waiter: Waiter): void {
    const { waiting, inFlight } = this;
    const { waitingCalls, instanceWaitMs } = this.#options.limits;
    if (waiting >= waitingCalls) throw problems.tooManyWaiting(this.name, waitingCalls);
    const nowMs = performance.now();
    if (waiting === 0) this.#pace.begin(nowMs);
    else if (this.#ready.some(({ isDoubtful }) => !isDoubtful)) {
      const patienceMs = Math.min(instanceWaitMs, this.timeoutMs);
      const expectedMs = this.#pace.tooLongMs({ waiting, inFlight, patienceMs }, nowMs);
      if (expectedMs !== undefined) throw problems.waitTooLong(this.name, waiting, expectedMs);
    }
    this.#waiting.add(waiter);
    this.#reportNow();
    // The endpoints may have changed since `claim`.
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** Removes a waiter from the queue; does nothing if one of its members was called. */
  leave(waiter: Waiter): void {
    if (this.#waiting.delete(waiter)) this.#reportNow();
  }

  release(instance: InstanceClient): void {
    const before = this.inFlight--;
    this.#releasePlace(instance);
    if (this.#waiting.size > 0) this.#serveWaiting();
    this.#inFlightChanged(before);
    if (this.#isRemoved && this.inFlight === 0) this.#options.onUnused(this);
  }

  /** Sends no call to an instance that refused a connection or broke a call off until it answers a probe. */
  doubt(instance: InstanceClient): void {
    if (!this.#leaving.has(instance) && !instance.isSpent) instance.doubt(this.#restart);
  }

  /** Whether the instance is in no snapshot any more and processes its last calls. */
  isLeaving(instance: InstanceClient): boolean {
    return this.#leaving.has(instance);
  }

  /** Applies a new snapshot. Instances that are not in it get no new calls and close after their last. */
  update(endpoints: VersionEndpoints): void {
    // An instance may return before its last call has ended; that call still counts.
    const before = new Map([...this.#leaving, ...this.#ready].map((client) => [client.instance.id, client]));
    this.#endpoints = endpoints;
    this.#isRemoved = false;
    // The wait for the first instance is no measure of the pace.
    if (this.#ready.length === 0) this.#pace.begin(performance.now());
    this.#ready = endpoints.instances.map((instance) => {
      const client = before.get(instance.id);
      before.delete(instance.id);
      if (client !== undefined) {
        this.#leaving.delete(client);
        return client;
      }
      const { limits, readBuffer } = this.#options;
      const { concurrency, isOnce, isForeign } = endpoints;
      const { headerBytes } = limits;
      return new InstanceClient({ instance, concurrency, isOnce, isForeign, headerBytes, readBuffer });
    });
    for (const client of before.values()) {
      if (client.used > 0) this.#leaving.add(client);
      else client.close();
    }
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** Drops the instances of a removed version: calls in flight can finish. */
  remove(): void {
    this.update({ ...this.#endpoints, instances: [] });
    this.#isRemoved = true;
  }

  /** Moves the waiting calls to other versions, in order of arrival. */
  moveWaiting(): void {
    for (const waiter of this.#takeWaiters()) waiter.moved();
  }

  refuseWaiting(problem: Problem): void {
    for (const waiter of this.#takeWaiters()) waiter.refused(problem);
  }

  /** Breaks every call in flight off. */
  destroy(reason: Error): void {
    clearTimeout(this.#wakeAgain);
    const clients = [...this.#ready, ...this.#leaving];
    // The calls that end now release their places, and nothing is left to close after the last one.
    this.#leaving.clear();
    for (const client of clients) client.destroy(reason);
  }

  #claimBest(): InstanceClient | undefined {
    const best = chooseInstance(this.#ready);
    if (best === undefined) return undefined;
    best.used++;
    this.#inFlightChanged(this.inFlight++);
    return best;
  }

  #releasePlace(instance: InstanceClient): void {
    instance.used--;
    if (this.#leaving.size > 0 && instance.used === 0 && this.#leaving.delete(instance)) instance.close();
  }

  #serveWaiting(): void {
    for (const waiter of this.#waiting) {
      const instance = this.#claimBest();
      if (instance === undefined) return;
      this.#waiting.delete(waiter);
      this.#pace.served();
      this.#reportNow();
      waiter.placed(instance);
    }
  }

  #takeWaiters(): Waiter[] {
    clearTimeout(this.#wakeAgain);
    const waiters = [...this.#waiting];
    this.#waiting.clear();
    if (waiters.length > 0) this.#reportNow();
    return waiters;
  }

  #wakeIfCold(): void {
    if (this.#waiting.size === 0 || this.#ready.length > 0 || this.#isWaking) return;
    this.#isWaking = true;
    this.counters.coldStarts++;
    this.usage.countColdStart();
    const { platform, print } = this.#options;
    platform.wake(this.name, this.version).then(
      (steps) => {
        this.#isWaking = false;
        this.wakeSteps = steps ?? [];
        this.counters.countWake(this.wakeSteps);
        this.usage.countWake(this.wakeSteps);
        // The woken instance may have stopped before its endpoint arrived.
        if (this.#waiting.size === 0 || this.#ready.length > 0) return;
        this.#wakeAgain = setTimeout(() => this.#wakeIfCold(), WAKE_AGAIN_MS);
      },
      (error: unknown) => {
        this.#isWaking = false;
        if (!(error instanceof Problem)) print(`Waking ${this.name} failed: ${inspect(error)}`);
        this.refuseWaiting(toProblem(error));
      },
    );
  }

  /**
   * Reports the first change in a turn of the event loop at once, and further ones together at the end of the
   * turn: 500 calls that arrive together cost two reports.
   */
  #reportNow(): void {
    if (this.#isReportHeld) this.#hasChanged = true;
    else {
      this.#holdReport();
      this.#options.platform.report(this.load);
    }
  }

  /**
   * Reports at the end of the turn, because no call waits for it, and only if it changes the number of
   * instances that the calls need.
   */
  #inFlightChanged(before: number): void {
    const { concurrency } = this.#endpoints;
    if (Math.ceil(before / concurrency) === Math.ceil(this.inFlight / concurrency)) return;
    this.#hasChanged = true;
    if (!this.#isReportHeld) this.#holdReport();
  }

  #holdReport(): void {
    this.#isReportHeld = true;
    setImmediate(this.#releaseReport);
  }
}
