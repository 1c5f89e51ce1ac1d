import type { Load } from "../../platform.ts";
import { placingOf } from "../../settings/runtime.ts";
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

export type LoadInput = Pick<ScaleInput, "settings" | "load"> & Partial<Pick<ScaleInput, "idleForMs">>;

/**
 * Returns the instances that the load needs, by calls in flight and waiting. With one call per instance an awake version
 * has its pool besides.
 */
export function instancesForLoad({ settings, load, idleForMs = Infinity }: LoadInput): number {
  const { min, max, isolation, idleMs } = settings;
  const pool = isolation === "call" && idleForMs < idleMs ? settings.pool : 0;
  return Math.max(min, Math.min(max, neededFor(load.inFlight + load.waiting, settings) + pool));
}

/** Returns the instances that calls need, without `min`. */
export function instancesForCalls({ settings, load }: Pick<ScaleInput, "settings" | "load">): number {
  return Math.min(settings.max, neededFor(load.inFlight + load.waiting, settings));
}

function neededFor(calls: number, settings: Settings): number {
  return Math.ceil(calls / placingOf(settings).concurrency);
}

export interface ShareInput extends Pick<ScaleInput, "settings" | "load"> {
  /** Ready instances of all routed versions; `load` is theirs, too. */
  readonly ready: number;
  /** New share of the version, from 0 to 1. */
  readonly share: number;
}

/** Returns the ready instances that a version needs before it gets a share of the calls. */
export function instancesForShare({ settings, load, ready, share }: ShareInput): number {
  const forCalls = neededFor((load.inFlight + load.waiting) * share, settings);
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
