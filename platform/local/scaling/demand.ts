import type { Load } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import { desiredInstances, instancesForCalls, instancesForLoad } from "./scaling.ts";

/** Tracks the load of one version, and for how long it has needed fewer instances. Times are monotonic. */
export class Demand {
  load: Pick<Load, "inFlight" | "waiting"> = { inFlight: 0, waiting: 0 };
  readonly #draining: () => Iterable<{ readonly id: string }>;
  #byInstance: Load["byInstance"];
  #busyAtMs = 0;
  #enoughAtMs = 0;

  /** @param draining the instances that finish their last calls, which ask for no other instance */
  constructor(draining: () => Iterable<{ readonly id: string }>) {
    this.#draining = draining;
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
  wanted(settings: Settings): { readonly all: number; readonly forCalls: number } {
    const input = { settings, load: this.#ahead };
    return { all: instancesForLoad(input), forCalls: instancesForCalls(input) };
  }

  /** Time since the last call or `touch`. */
  idleForMs(nowMs: number): number {
    return nowMs - this.#busyAtMs;
  }

  /** Returns how many of `current` instances the version should have now. See `desiredInstances`. */
  desired(settings: Settings, current: number, nowMs: number): number {
    const load = this.#ahead;
    if (load.inFlight + load.waiting > 0) this.#busyAtMs = nowMs;
    if (instancesForLoad({ settings, load }) >= current) this.#enoughAtMs = nowMs;
    const lowForMs = nowMs - this.#enoughAtMs;
    return desiredInstances({ settings, load, current, idleForMs: this.idleForMs(nowMs), lowForMs });
  }

  /** The load without the calls of draining instances. */
  get #ahead(): Pick<Load, "inFlight" | "waiting"> {
    let { inFlight } = this.load;
    for (const { id } of this.#draining()) inFlight -= this.on(id).calls;
    return { inFlight: Math.max(0, inFlight), waiting: this.load.waiting };
  }
}
