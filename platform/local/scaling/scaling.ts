import type { Load } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";

/** Time for which fewer instances must have been enough before one is stopped. */
export const SCALE_IN_AFTER_MS = 30_000;

export interface ScaleInput {
  readonly settings: Settings;
  readonly load: Pick<Load, "inFlight" | "waiting">;
  /** Instances of the version that are ready or starting. */
  readonly current: number;
  /** Time since the last call ended; 0 during calls. */
  readonly idleForMs: number;
  /** Time for which fewer than `current` instances would have been enough. */
  readonly lowForMs: number;
}

/** Returns the instances that the load needs, by calls in flight and waiting. */
export function instancesForLoad(input: Pick<ScaleInput, "settings" | "load">): number {
  return Math.max(input.settings.min, instancesForCalls(input));
}

/** Returns the instances that calls need, without `min`. */
export function instancesForCalls({ settings, load }: Pick<ScaleInput, "settings" | "load">): number {
  return Math.min(settings.max, Math.ceil((load.inFlight + load.waiting) / settings.concurrency));
}

export interface ShareInput extends Pick<ScaleInput, "settings" | "load"> {
  /** Ready instances of all routed versions; `load` is theirs, too. */
  readonly ready: number;
  /** New share of the version, from 0 to 1. */
  readonly share: number;
}

/** Returns the ready instances that a version needs before it gets a share of the calls. */
export function instancesForShare({ settings, load, ready, share }: ShareInput): number {
  const forCalls = Math.ceil(((load.inFlight + load.waiting) * share) / settings.concurrency);
  const serving = Math.ceil(ready * share);
  return Math.max(1, settings.min, Math.min(settings.max, forCalls, serving));
}

/** Returns how many instances a version should have: grows at once, shrinks slowly, falls to `min` when idle. */
export function desiredInstances(input: ScaleInput): number {
  const { settings, current, idleForMs, lowForMs } = input;
  const wanted = instancesForLoad(input);
  if (wanted >= current) return wanted;
  if (idleForMs >= settings.idleMs) return settings.min;
  const shrinks = lowForMs >= Math.min(SCALE_IN_AFTER_MS, settings.idleMs);
  // The last instance stays until the version is idle: it answers without a cold start.
  return shrinks ? Math.max(1, wanted) : current;
}
