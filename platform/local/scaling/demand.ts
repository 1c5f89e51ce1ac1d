import type { Load } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import { desiredInstances, instancesForCalls, instancesForLoad } from "./scaling.ts";
import type { Wanted } from "./supply-options.ts";

/** Time in which routers report a call that an instance has taken. */
const REPORT_MS = 50;

/** Time for which a pool is not refilled after a call took an instance of it: a start would delay that call. */
export const REFILL_MS = 20;

/** Tracks the load of one version, and for how long it has needed fewer instances. Times are monotonic. */
export class Demand {
  load: Pick<Load, "inFlight" | "waiting"> = { inFlight: 0, waiting: 0 };
  readonly #leaving: () => Iterable<{ readonly id: string }>;
  #byInstance: Load["byInstance"];
  /** Instances that have taken a call which no router has reported, and until when they are expected to. */
  readonly #taken = new Map<string, number>();
  /** When the pool is refilled; undefined while nothing is missing. */
  #refillAtMs: number | undefined;
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
    if (inFlight > before.inFlight) this.#refillAtMs ??= nowMs + REFILL_MS;
    // A second report without calls does not restart the idle time.
    if (inFlight + waiting + before.inFlight + before.waiting > 0) this.touch(nowMs);
  }

  /** An instance has taken the one call of its life: until a router reports that, it reports a waiting call instead. */
  taken(id: string, nowMs: number): void {
    this.#taken.set(id, nowMs + REPORT_MS);
    this.#refillAtMs ??= nowMs + REFILL_MS;
  }

  /** Restarts the idle time. */
  touch(nowMs: number): void {
    this.#busyAtMs = nowMs;
  }

  /** Calls that routers report on an instance, and those of them whose response has begun. */
  on(id: string): { readonly calls: number; readonly streams: number } {
    return this.#byInstance?.().get(id) ?? { calls: 0, streams: 0 };
  }

  /** Instances that the load needs: in total, without the pool, and for its calls alone, without `min`. */
  wanted(settings: Settings, nowMs: number): Wanted {
    const scaled = this.#withPool(settings, nowMs);
    const input = { settings: scaled, load: this.#ahead(nowMs), idleForMs: this.idleForMs(nowMs) };
    const withoutPool = instancesForLoad({ ...input, settings: { ...settings, pool: 0 } });
    return { all: instancesForLoad(input), withoutPool, forCalls: instancesForCalls(input) };
  }

  /** Time since the last call or `touch`. */
  idleForMs(nowMs: number): number {
    return nowMs - this.#busyAtMs;
  }

  /** Returns how many of `current` instances the version should have now. See `desiredInstances`. */
  desired(settings: Settings, current: number, nowMs: number): number {
    const load = this.#ahead(nowMs);
    // The pool of a version with one call per instance stays during calls, which are all on instances that leave.
    const { inFlight } = settings.isolation === "call" ? this.load : load;
    if (inFlight + load.waiting > 0) this.#busyAtMs = nowMs;
    const idleForMs = this.idleForMs(nowMs);
    const wanted = instancesForLoad({ settings, load, idleForMs });
    if (wanted >= current) this.#enoughAtMs = nowMs;
    if (wanted <= current) this.#refillAtMs = undefined;
    const lowForMs = nowMs - this.#enoughAtMs;
    const scaled = this.#withPool(settings, nowMs);
    return desiredInstances({ settings: scaled, load, current, idleForMs, lowForMs });
  }

  #withPool(settings: Settings, nowMs: number): Settings {
    return nowMs < (this.#refillAtMs ?? 0) ? { ...settings, pool: 0 } : settings;
  }

  /** The load without the calls of leaving instances. */
  #ahead(nowMs: number): Pick<Load, "inFlight" | "waiting"> {
    let { inFlight, waiting } = this.load;
    const counts = this.#byInstance?.();
    for (const { id } of this.#leaving()) inFlight -= counts?.get(id)?.calls ?? 0;
    for (const [id, untilMs] of this.#taken) {
      if (counts?.has(id) || nowMs >= untilMs) this.#taken.delete(id);
      else waiting--;
    }
    return { inFlight: Math.max(0, inFlight), waiting: Math.max(0, waiting) };
  }
}
