import type { Load } from "../../platform.ts";
import type { Settings } from "../../settings.ts";
import { desiredInstances, instancesForCalls, instancesForLoad } from "./scaling.ts";

/** What the load of one version asks for, and for how long it has asked for less. Times are monotonic. */
export class Demand {
  #load: Pick<Load, "inFlight" | "waiting"> = { inFlight: 0, waiting: 0 };
  #byInstance: Load["byInstance"];
  #busyAtMs = 0;
  #enoughAtMs = 0;

  report({ inFlight, waiting, byInstance }: Load, nowMs: number): void {
    const before = this.#load;
    this.#byInstance = byInstance;
    this.#load = { inFlight, waiting };
    // Silence that is reported again is silence still.
    if (inFlight + waiting + before.inFlight + before.waiting > 0) this.touch(nowMs);
  }

  /** Calls that are in flight or waiting. */
  get load(): Pick<Load, "inFlight" | "waiting"> {
    return this.#load;
  }

  /** Something happened that counts as a call. */
  touch(nowMs: number): void {
    this.#busyAtMs = nowMs;
  }

  /** True if no router has reported a call on this instance. */
  isIdle(id: string): boolean {
    return (this.#byInstance?.().get(id)?.calls ?? 0) === 0;
  }

  /** True if a router has reported a call on this instance whose response has begun. */
  hasStream(id: string): boolean {
    return (this.#byInstance?.().get(id)?.streams ?? 0) > 0;
  }

  /** Instances that the load asks for. */
  instances(settings: Settings): number {
    return instancesForLoad({ settings, load: this.#load });
  }

  /** Those among them that calls need now: without them calls would wait. */
  instancesForCalls(settings: Settings): number {
    return instancesForCalls({ settings, load: this.#load });
  }

  /** Time since something happened that counts as a call. */
  idleForMs(nowMs: number): number {
    return nowMs - this.#busyAtMs;
  }

  /** How many there should be where `current` are; fewer only when that was enough for a while. */
  desired(settings: Settings, current: number, nowMs: number): number {
    const load = this.#load;
    if (load.inFlight + load.waiting > 0) this.#busyAtMs = nowMs;
    if (this.instances(settings) >= current) this.#enoughAtMs = nowMs;
    const idleForMs = nowMs - this.#busyAtMs;
    return desiredInstances({ settings, load, current, idleForMs, lowForMs: nowMs - this.#enoughAtMs });
  }
}
