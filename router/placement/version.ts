import { inspect } from "node:util";
import type { Limits } from "../../platform/limits.ts";
import type { InstanceLoad, Load, Platform, VersionEndpoints, WakeStep } from "../../platform/platform.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import * as problems from "../exchange/problems.ts";
import { Counters, type FunctionStats } from "../metrics/stats.ts";
import type { VersionCounter } from "../metrics/version-counters.ts";
import { Backend } from "../upstream/instance.ts";
import { chooseBackend } from "./choose-backend.ts";
import { LoadReport } from "./load-report.ts";
import { Pace } from "./pace.ts";

/** A call that waits for an instance. It is told once, by one of the two. */
export interface Waiter {
  /** When the call came, by `performance.now`. */
  readonly arrivedMs: number;
  /** The backend's slot is the waiter's from now on; it gives it back with `Route.release`. */
  placed(backend: Backend): void;
  refused(problem: Problem): void;
}

/** What a router needs to know of where functions run. */
export type RouterPlatform = Pick<Platform, "endpoints" | "watch" | "wake" | "report">;

export interface RouteOptions {
  readonly platform: RouterPlatform;
  readonly limits: Limits;
  /** Takes one line for people: what failed, and why. */
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
  readonly #platform: RouterPlatform;
  readonly #limits: Limits;
  readonly #print: (line: string) => void;
  readonly #readBuffer: Buffer;
  readonly #load: LoadReport;
  readonly #waiting = new Set<Waiter>();
  readonly #pace = new Pace();
  readonly #leaving = new Set<Backend>();
  /** Calls by instance, also those of instances that get no more. */
  readonly byInstance = () => this.#countByInstance();
  #endpoints: VersionEndpoints;
  #ready: Backend[] = [];
  #inFlight = 0;
  #waking = false;
  #wakeSteps: readonly WakeStep[] = [];
  #wakeAgain: NodeJS.Timeout | undefined;

  /** @param readBuffer what instances send is read into it; routes may share one, because nothing stays in it */
  constructor(
    { name, endpoints }: { name: string; endpoints: VersionEndpoints },
    options: RouteOptions,
    readBuffer: Buffer,
  ) {
    const { platform, limits, print } = options;
    this.name = name;
    this.#print = print;
    this.#readBuffer = readBuffer;
    this.#endpoints = endpoints;
    this.current = this.counters.versions.of(endpoints.version);
    this.#platform = platform;
    this.#limits = limits;
    this.#load = new LoadReport(
      () => this.load,
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

  get calls(): Omit<Load, "byInstance"> {
    const { version } = this.#endpoints;
    return { name: this.name, version, inFlight: this.#inFlight, waiting: this.#waiting.size };
  }

  get load(): Load {
    return { ...this.calls, byInstance: this.byInstance };
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
    backend.used--;
    const before = this.#inFlight--;
    if (this.#leaving.size > 0 && backend.used === 0 && this.#leaving.delete(backend)) {
      backend.close();
    }
    if (this.#waiting.size > 0) this.#serveWaiting();
    this.#inFlightChanged(before);
  }

  /** The backend broke a call off before its answer: it gets no call until the platform had the time to see its end. */
  doubt(backend: Backend): void {
    if (!this.#leaving.has(backend)) backend.doubt(() => this.#serveWaiting());
  }

  /** True if the backend is in no snapshot any more, and works on its last calls. */
  isLeaving(backend: Backend): boolean {
    return this.#leaving.has(backend);
  }

  /** Takes over a new snapshot. Backends that are not in it get no new call and end with their last one. */
  update(endpoints: VersionEndpoints): void {
    // An instance may come back before its last call has ended, which counts still.
    const known = [...this.#leaving, ...this.#ready];
    const before = new Map(known.map((backend) => [backend.instance.id, backend]));
    this.#endpoints = endpoints;
    const version = this.counters.versions.of(endpoints.version);
    this.current = version;
    // The wait for the first instance says nothing of how fast calls are served.
    if (this.#ready.length === 0) this.#pace.begin(performance.now());
    this.#ready = endpoints.instances.map((instance) => {
      const known = before.get(instance.id);
      before.delete(instance.id);
      if (known !== undefined) {
        this.#leaving.delete(known);
        return known;
      }
      const { concurrency } = endpoints;
      const { headerBytes } = this.#limits;
      const readBuffer = this.#readBuffer;
      return new Backend({ instance, version, concurrency, headerBytes, readBuffer });
    });
    for (const backend of before.values()) {
      if (backend.used > 0) this.#leaving.add(backend);
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
    return { ...this.calls, ready: this.#ready.length, ...this.counters.read() };
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
    const best = chooseBackend(this.#ready);
    if (best === undefined) return undefined;
    best.used++;
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
    this.#platform.wake(this.name, this.#endpoints.version).then(
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
    if (Math.ceil(before / concurrency) !== Math.ceil(this.#inFlight / concurrency))
      this.#load.changedInFlight();
  }

  #countByInstance(): ReadonlyMap<string, InstanceLoad> {
    const counts = new Map<string, InstanceLoad>();
    for (const { instance, used, streams } of [...this.#ready, ...this.#leaving]) {
      if (used > 0) counts.set(instance.id, { calls: used, streams });
    }
    return counts;
  }
}
