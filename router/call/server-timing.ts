import type { WakeStep } from "../../platform/platform.ts";

/** Returns the duration of each step, in the order of their ends. */
export function stepDurations(steps: readonly WakeStep[]): { name: WakeStep["name"]; durationMs: number }[] {
  const ordered = steps.toSorted((a, b) => a.atMs - b.atMs);
  return ordered.map(({ name, atMs }, index) => ({
    name,
    durationMs: atMs - (ordered[index - 1]?.atMs ?? 0),
  }));
}

/**
 * Returns `Server-Timing` (https://www.w3.org/TR/server-timing/) for a call that woke its function. The last entry,
 * `first-byte`, is the time from the instance's readiness to the head of its response.
 */
export function serverTiming(steps: readonly WakeStep[], elapsedMs: number): string {
  const readyMs = Math.max(...steps.map(({ atMs }) => atMs));
  const entries = stepDurations(steps).map(({ name, durationMs }) => `${name};dur=${durationMs.toFixed(1)}`);
  // A call that arrived during a waking did not wait for all of it.
  const rest = Math.max(0, elapsedMs - readyMs);
  return [...entries, `first-byte;dur=${rest.toFixed(1)}`].join(", ");
}
