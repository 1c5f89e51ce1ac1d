import { inspect } from "node:util";
import type { Limits } from "../../platform/limits.ts";
import type { InstanceLoad, Load, Platform, VersionEndpoints, WakeStep } from "../../platform/platform.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import * as problems from "../exchange/problems.ts";
import type { Counters, VersionCounter } from "../metrics/stats.ts";
import { InstanceClient } from "../upstream/instance-client.ts";
import { chooseInstance } from "./choose-instance.ts";
import { Pace } from "./pace.ts";

/** A call that waits for an instance. One of its members is called, once. */
export interface Waiter {
  /** The call has a place on the instance, which it gives back with `VersionState.release`. */
  placed(instance: InstanceClient): void;
  refused(problem: Problem): void;
  /** Another version takes the calls now. */
  moved(version: VersionState): void;
}

/** The parts of the platform that a router uses. */
export type RouterPlatform = Pick<Platform, "endpoints" | "watch" | "wake" | "report">;

/** What the versions of a function share. */
export interface VersionOptions {
  readonly name: string;
  readonly platform: RouterPlatform;
  readonly limits: Limits;
  /** Prints one line for people: what failed, and why. */
  readonly print: (line: string) => void;
  readonly counters: Counters;
  /** Buffer for everything that instances send; connections may share one, because nothing stays in it. */
  readonly readBuffer: Buffer;
}

/** Time until waking is tried again when it succeeded but its instance was gone at once. */
const WAKE_AGAIN_MS = 100;

/** The router's state of one version: its instances, the calls on them and those that wait. */
export class VersionState {
  readonly version: number;
  readonly name: string;
  readonly counters: Counters;
  /** Answers of this version. */
  readonly counter: VersionCounter;
  readonly #options: VersionOptions;
  readonly #waiting = new Set<Waiter>();
  readonly #pace = new Pace();
  /** Instances that get no new calls and work on their last ones. */
  readonly #leaving = new Set<InstanceClient>();
  #endpoints: VersionEndpoints;
  #ready: InstanceClient[] = [];
  #inFlight = 0;
  #waking = false;
  #wakeSteps: readonly WakeStep[] = [];
  #wakeAgain: NodeJS.Timeout | undefined;
  #isReportHeld = false;
  #hasNews = false;
  readonly #releaseReport = () => {
    this.#isReportHeld = false;
    if (!this.#hasNews) return;
    this.#hasNews = false;
    this.#options.platform.report(this.load);
  };
  readonly #byInstance = () => this.#countByInstance();

  constructor(endpoints: VersionEndpoints, options: VersionOptions) {
    this.version = endpoints.version;
    this.name = options.name;
    this.counters = options.counters;
    this.counter = options.counters.versions.of(endpoints.version);
    this.#options = options;
    this.#endpoints = endpoints;
    this.update(endpoints);
  }

  get timeoutMs(): number {
    return this.#endpoints.timeoutMs;
  }

  /** Instances that the platform calls ready; they may have no place for a call. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** The steps of the last waking, where the platform knows them. */
  get wakeSteps(): readonly WakeStep[] {
    return this.#wakeSteps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get load(): Load {
    const { name, version, inFlight, waiting } = this;
    return { name, version, inFlight, waiting, byInstance: this.#byInstance };
  }

  /** Takes a place on the instance with the fewest calls; undefined if the call has to wait. */
  take(): InstanceClient | undefined {
    // Nobody overtakes those who wait.
    return this.#waiting.size > 0 ? undefined : this.#takeBest();
  }

  /** Takes a place on an instance other than those, instead of the one on `from`; undefined if there is none. */
  exchange(from: InstanceClient, others: readonly InstanceClient[]): InstanceClient | undefined {
    const other = chooseInstance(this.#ready.filter((instance) => !others.includes(instance)));
    if (other === undefined) return undefined;
    other.used++;
    this.#giveBack(from);
    this.#serveWaiting();
    return other;
  }

  /** @throws Problem `too_many_waiting` */
  wait(waiter: Waiter): void {
    const waiting = this.#waiting.size;
    const { waitingCalls, instanceWaitMs } = this.#options.limits;
    if (waiting >= waitingCalls) throw problems.tooManyWaiting(this.name, waitingCalls);
    const nowMs = performance.now();
    if (waiting === 0) this.#pace.begin(nowMs);
    else if (this.#ready.length > 0) {
      const patienceMs = Math.min(instanceWaitMs, this.timeoutMs);
      const expectedMs = this.#pace.tooLongMs({ waiting, inFlight: this.#inFlight, patienceMs }, nowMs);
      if (expectedMs !== undefined) throw problems.waitTooLong(this.name, waiting, expectedMs);
    }
    this.#waiting.add(waiter);
    this.#reportNow();
    // The endpoints may have changed since `take`.
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** Takes a waiter out of the queue; does nothing if it was called already. */
  leave(waiter: Waiter): void {
    if (this.#waiting.delete(waiter)) this.#reportNow();
  }

  /** Gives a place back. */
  release(instance: InstanceClient): void {
    const before = this.#inFlight--;
    this.#giveBack(instance);
    if (this.#waiting.size > 0) this.#serveWaiting();
    this.#inFlightChanged(before);
  }

  /** The instance broke a call off: it gets no call until the platform had the time to notice its end. */
  doubt(instance: InstanceClient): void {
    if (!this.#leaving.has(instance)) instance.doubt(() => this.#serveWaiting());
  }

  /** The instance is in no snapshot any more and works on its last calls. */
  isLeaving(instance: InstanceClient): boolean {
    return this.#leaving.has(instance);
  }

  /** Takes over a new snapshot. Instances that are not in it get no new call and end with their last one. */
  update(endpoints: VersionEndpoints): void {
    // An instance may come back before its last call has ended, which counts still.
    const known = [...this.#leaving, ...this.#ready];
    const before = new Map(known.map((client) => [client.instance.id, client]));
    this.#endpoints = endpoints;
    // The wait for the first instance says nothing of how fast calls are served.
    if (this.#ready.length === 0) this.#pace.begin(performance.now());
    this.#ready = endpoints.instances.map((instance) => {
      const client = before.get(instance.id);
      before.delete(instance.id);
      if (client !== undefined) {
        this.#leaving.delete(client);
        return client;
      }
      const { limits, readBuffer } = this.#options;
      const { concurrency } = endpoints;
      return new InstanceClient({ instance, concurrency, headerBytes: limits.headerBytes, readBuffer });
    });
    for (const client of before.values()) {
      if (client.used > 0) this.#leaving.add(client);
      else client.close();
    }
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** The version is gone: calls under way may finish. */
  remove(): void {
    this.update({ ...this.#endpoints, instances: [] });
  }

  /** Hands the calls that wait over to `version`, in order of arrival. */
  moveWaiting(version: VersionState): void {
    for (const waiter of this.#takeWaiters()) waiter.moved(version);
  }

  refuseWaiting(problem: Problem): void {
    for (const waiter of this.#takeWaiters()) waiter.refused(problem);
  }

  /** Breaks every call under way off. */
  destroy(reason: Error): void {
    clearTimeout(this.#wakeAgain);
    const clients = [...this.#ready, ...this.#leaving];
    // The calls that end now give their places back; there is nothing left to be closed after the last one.
    this.#leaving.clear();
    for (const client of clients) client.destroy(reason);
  }

  #takeBest(): InstanceClient | undefined {
    const best = chooseInstance(this.#ready);
    if (best === undefined) return undefined;
    best.used++;
    this.#inFlightChanged(this.#inFlight++);
    return best;
  }

  #giveBack(instance: InstanceClient): void {
    instance.used--;
    if (this.#leaving.size > 0 && instance.used === 0 && this.#leaving.delete(instance)) instance.close();
  }

  #serveWaiting(): void {
    for (const waiter of this.#waiting) {
      const instance = this.#takeBest();
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
    if (this.#waiting.size === 0 || this.#ready.length > 0 || this.#waking) return;
    this.#waking = true;
    this.counters.coldStarts++;
    const { platform, print } = this.#options;
    platform.wake(this.name, this.version).then(
      (steps) => {
        this.#waking = false;
        this.#wakeSteps = steps ?? [];
        this.counters.countWake(this.#wakeSteps);
        // What was woken may have ended before we saw it.
        if (this.#waiting.size === 0 || this.#ready.length > 0) return;
        this.#wakeAgain = setTimeout(() => this.#wakeIfCold(), WAKE_AGAIN_MS);
      },
      (error: unknown) => {
        this.#waking = false;
        if (!(error instanceof Problem)) print(`Waking ${this.name} failed: ${inspect(error)}`);
        this.refuseWaiting(toProblem(error));
      },
    );
  }

  /**
   * Reports the first change of a turn of the event loop at once, the following ones together at the end of the turn:
   * 500 calls that arrive together cost two reports.
   */
  #reportNow(): void {
    if (this.#isReportHeld) this.#hasNews = true;
    else {
      this.#holdReport();
      this.#options.platform.report(this.load);
    }
  }

  /**
   * Scaling goes by ceil(calls / concurrency): other changes are not reported. No call waits for this one, so that it is
   * reported at the end of the turn.
   */
  #inFlightChanged(before: number): void {
    const { concurrency } = this.#endpoints;
    if (Math.ceil(before / concurrency) === Math.ceil(this.#inFlight / concurrency)) return;
    this.#hasNews = true;
    if (!this.#isReportHeld) this.#holdReport();
  }

  #holdReport(): void {
    this.#isReportHeld = true;
    setImmediate(this.#releaseReport);
  }

  #countByInstance(): ReadonlyMap<string, InstanceLoad> {
    const counts = new Map<string, InstanceLoad>();
    for (const { instance, used, streams } of [...this.#ready, ...this.#leaving]) {
      if (used > 0) counts.set(instance.id, { calls: used, streams });
    }
    return counts;
  }
}
