import type { Load } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import { desiredInstances, instancesForCalls, instancesForLoad } from "./scaling.ts";

/** Tracks the load of one version, and for how long it has needed fewer instances. Times are monotonic. */
export class Demand {
  load: Pick<Load, "inFlight" | "waiting"> = { inFlight: 0, waiting: 0 };
  readonly #leaving: () => Iterable<{ readonly id: string }>;
  #byInstance: Load["byInstance"];
  #busyAtMs = 0;
  #enoughAtMs = 0;

  /** @param leaving the instances that process their last calls, which ask for no other instance */
  constructor(leaving: () => Iterable<{ readonly id: string }>) {
    this.#leaving = leaving;
  }

  report({ inFlight, waiting, byInstance }: Load, nowMs: number): void {
    const before = this.load;
    this.#byInstance = byInstance;
    this.load = { inFlight, waiting };
    // A second report without calls does not restart the idle time.
    if (inFlight + waiting + before.inFlight + before.waiting > 0) this.touch(nowMs);
  }

  /** Restarts the idle time. */
  touch(nowMs: number): void {
    this.#busyAtMs = nowMs;
  }

  /** Calls that routers report on an instance, and those of them whose response has begun. */
  on(id: string): { readonly calls: number; readonly streams: number } {
    return this.#byInstance?.().get(id) ?? { calls: 0, streams: 0 };
  }

  /** Instances that the load needs: in total, and for its calls alone, without `min`. */
  wanted(settings: Settings, nowMs: number): { readonly all: number; readonly forCalls: number } {
    const input = { settings, load: this.#ahead, idleForMs: this.idleForMs(nowMs) };
    return { all: instancesForLoad(input), forCalls: instancesForCalls(input) };
  }

  /** Time since the last call or `touch`. */
  idleForMs(nowMs: number): number {
    return nowMs - this.#busyAtMs;
  }

  /** Returns how many of `current` instances the version should have now. See `desiredInstances`. */
  desired(settings: Settings, current: number, nowMs: number): number {
    const load = this.#ahead;
    // The pool of a version with one call per instance stays during calls, which are all on instances that leave.
    const { inFlight } = settings.isolation === "call" ? this.load : load;
    if (inFlight + load.waiting > 0) this.#busyAtMs = nowMs;
    const idleForMs = this.idleForMs(nowMs);
    if (instancesForLoad({ settings, load, idleForMs }) >= current) this.#enoughAtMs = nowMs;
    const lowForMs = nowMs - this.#enoughAtMs;
    return desiredInstances({ settings, load, current, idleForMs, lowForMs });
  }

  /** The load without the calls of leaving instances. */
  get #ahead(): Pick<Load, "inFlight" | "waiting"> {
    let { inFlight } = this.load;
    for (const { id } of this.#leaving()) inFlight -= this.on(id).calls;
    return { inFlight: Math.max(0, inFlight), waiting: this.load.waiting };
  }
}
