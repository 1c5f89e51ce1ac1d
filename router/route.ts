import { inspect } from "node:util";
import type { Limits } from "../platform/limits.ts";
import type { Endpoints, Load, Platform, WakeStep } from "../platform/platform.ts";
import { Problem, toProblem } from "../platform/problems.ts";
import { Backend } from "./backend.ts";
import * as problems from "./call-problems.ts";
import { LoadReport } from "./load-report.ts";
import { Pace } from "./pace.ts";
import { Counters, type FunctionStats } from "./stats.ts";
import type { VersionCounter } from "./version-counters.ts";

/** A call that waits for an instance. It is told once, by one of the two. */
export interface Waiter {
  /** The backend's slot is the waiter's from now on; it gives it back with `Route.release`. */
  placed(backend: Backend): void;
  refused(problem: Problem): void;
}

export interface RouteOptions {
  readonly platform: Platform;
  readonly limits: Limits;
  readonly print: (line: string) => void;
}

/** Time until waking is tried again when it succeeded but its instance was gone at once. */
const WAKE_AGAIN_MS = 100;

/** The router's state of one function: its backends, the calls in flight on them and those that wait. */
export class Route {
  readonly name: string;
  readonly counters = new Counters();
  /** The counter of the version that serves now. */
  current: VersionCounter;
  readonly #platform: Platform;
  readonly #limits: Limits;
  readonly #print: (line: string) => void;
  readonly #readBuffer: Buffer;
  readonly #load: LoadReport;
  readonly #waiting = new Set<Waiter>();
  readonly #pace = new Pace();
  readonly #leaving = new Set<Backend>();
  readonly #onInstance = (id: string): number =>
    this.#ready.find(({ instance }) => instance.id === id)?.inFlight ?? 0;
  #endpoints: Endpoints;
  #ready: Backend[] = [];
  #inFlight = 0;
  #waking = false;
  #wakeSteps: readonly WakeStep[] = [];
  #wakeAgain: NodeJS.Timeout | undefined;

  /** @param readBuffer what instances send is read into it; routes may share one, because nothing stays in it */
  constructor(endpoints: Endpoints, { platform, limits, print }: RouteOptions, readBuffer: Buffer) {
    this.name = endpoints.name;
    this.#print = print;
    this.#readBuffer = readBuffer;
    this.#endpoints = endpoints;
    this.current = this.counters.versions.of(endpoints.version);
    this.#platform = platform;
    this.#limits = limits;
    this.#load = new LoadReport(
      () => this.#currentLoad(),
      (load) => platform.report(load),
    );
    this.update(endpoints);
  }

  get timeoutMs(): number {
    return this.#endpoints.timeoutMs;
  }

  /** Instances that the platform calls ready; the calls they work on may be at their limit. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** The steps of the last waking, as far as the platform told them. */
  get wakeSteps(): readonly WakeStep[] {
    return this.#wakeSteps;
  }

  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  /** A slot of the backend with the fewest calls, or undefined if the call has to wait. */
  take(): Backend | undefined {
    // Nobody overtakes those who wait.
    return this.#waiting.size > 0 ? undefined : this.#takeBest();
  }

  /** @throws Problem `too_many_waiting` */
  wait(waiter: Waiter): void {
    const waiting = this.#waiting.size;
    const { waitingCalls, instanceWaitMs } = this.#limits;
    if (waiting >= waitingCalls) throw problems.tooManyWaiting(this.name, waitingCalls);
    const nowMs = performance.now();
    if (waiting === 0) this.#pace.begin(nowMs);
    else if (this.#ready.length > 0) {
      const patienceMs = Math.min(instanceWaitMs, this.timeoutMs);
      const expectedMs = this.#pace.tooLongMs({ waiting, inFlight: this.#inFlight, patienceMs }, nowMs);
      if (expectedMs !== undefined) throw problems.waitTooLong(this.name, waiting, expectedMs);
    }
    this.#waiting.add(waiter);
    this.#load.changed();
    // The endpoints may have changed since `take`.
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** Takes a waiter out of the queue; does nothing if it was told already. */
  leave(waiter: Waiter): void {
    if (this.#waiting.delete(waiter)) this.#load.changed();
  }

  /** Gives a slot back. */
  release(backend: Backend): void {
    backend.inFlight--;
    const before = this.#inFlight--;
    if (this.#leaving.size > 0 && backend.inFlight === 0 && this.#leaving.delete(backend)) {
      backend.close();
    }
    if (this.#waiting.size > 0) this.#serveWaiting();
    this.#inFlightChanged(before);
  }

  /** True if the backend is in no snapshot any more, and works on its last calls. */
  isLeaving(backend: Backend): boolean {
    return this.#leaving.has(backend);
  }

  /** Takes over a new snapshot. Backends that are not in it get no new call and end with their last one. */
  update(endpoints: Endpoints): void {
    const before = new Map(this.#ready.map((backend) => [backend.instance.id, backend]));
    this.#endpoints = endpoints;
    const version = this.counters.versions.of(endpoints.version);
    this.current = version;
    // The wait for the first instance says nothing of how fast calls are served.
    if (this.#ready.length === 0) this.#pace.begin(performance.now());
    this.#ready = endpoints.instances.map((instance) => {
      const known = before.get(instance.id);
      before.delete(instance.id);
      if (known !== undefined) return known;
      const { concurrency } = endpoints;
      const { headerBytes } = this.#limits;
      return new Backend({ instance, version, concurrency, headerBytes, readBuffer: this.#readBuffer });
    });
    for (const backend of before.values()) {
      if (backend.inFlight > 0) this.#leaving.add(backend);
      else backend.close();
    }
    this.#serveWaiting();
    this.#wakeIfCold();
  }

  /** The function is gone: calls that wait are refused, calls under way may finish. */
  remove(problem: Problem): void {
    this.update({ ...this.#endpoints, instances: [] });
    this.refuseWaiting(problem);
  }

  refuseWaiting(problem: Problem): void {
    clearTimeout(this.#wakeAgain);
    if (this.#waiting.size === 0) return;
    const waiters = [...this.#waiting];
    this.#waiting.clear();
    this.#load.changed();
    for (const waiter of waiters) waiter.refused(problem);
  }

  stats(): FunctionStats {
    const { onInstance, ...load } = this.#currentLoad();
    return { ...load, ready: this.#ready.length, ...this.counters.read() };
  }

  /** Breaks every call under way off. */
  destroy(reason: Error): void {
    clearTimeout(this.#wakeAgain);
    const backends = [...this.#ready, ...this.#leaving];
    // The calls that end now give their slots back; there is nothing left to be closed after the last one.
    this.#leaving.clear();
    for (const backend of backends) backend.destroy(reason);
  }

  #takeBest(): Backend | undefined {
    const { concurrency } = this.#endpoints;
    let best: Backend | undefined;
    let aside: Backend | undefined;
    let accepting = 0;
    for (const backend of this.#ready) {
      if (backend.isAside) {
        if (aside === undefined || backend.inFlight < aside.inFlight) aside = backend;
        continue;
      }
      accepting++;
      if (best === undefined || backend.inFlight < best.inFlight) best = backend;
    }
    // The last one is never set aside: when all refused, the one with the fewest calls is tried again.
    if (accepting === 0) best = aside;
    if (best === undefined || best.inFlight >= concurrency) return undefined;
    best.inFlight++;
    this.#inFlightChanged(this.#inFlight++);
    return best;
  }

  #serveWaiting(): void {
    for (const waiter of this.#waiting) {
      const backend = this.#takeBest();
      if (backend === undefined) return;
      this.#waiting.delete(waiter);
      this.#pace.served();
      this.#load.changed();
      waiter.placed(backend);
    }
  }

  #wakeIfCold(): void {
    if (this.#waiting.size === 0 || this.#ready.length > 0 || this.#waking) return;
    this.#waking = true;
    this.counters.coldStarts++;
    this.#platform.wake(this.name).then(
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
        if (!(error instanceof Problem)) this.#print(`Waking ${this.name} failed: ${inspect(error)}`);
        this.refuseWaiting(toProblem(error));
      },
    );
  }

  /** Scaling goes by ceil(calls / concurrency): only where that changes is there something to tell. */
  #inFlightChanged(before: number): void {
    const { concurrency } = this.#endpoints;
    if (Math.ceil(before / concurrency) !== Math.ceil(this.#inFlight / concurrency)) this.#load.changed();
  }

  #currentLoad(): Load {
    const onInstance = this.#onInstance;
    return { name: this.name, inFlight: this.#inFlight, waiting: this.#waiting.size, onInstance };
  }
}
