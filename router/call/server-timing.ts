import type { WakeStep } from "../../platform/platform.ts";

/** How long each step took, in the order in which they happened. */
export function stepDurations(steps: readonly WakeStep[]): { name: WakeStep["name"]; durationMs: number }[] {
  const ordered = steps.toSorted((a, b) => a.atMs - b.atMs);
  return ordered.map(({ name, atMs }, index) => ({
    name,
    durationMs: atMs - (ordered[index - 1]?.atMs ?? 0),
  }));
}

/**
 * Where the time of a call went that woke its function, as `Server-Timing` (https://www.w3.org/TR/server-timing/). The
 * last entry, `first-byte`, is what lies between the instance's readiness and the head of its response.
 */
export function serverTiming(steps: readonly WakeStep[], elapsedMs: number): string {
  const readyMs = Math.max(...steps.map(({ atMs }) => atMs));
  const entries = stepDurations(steps).map(({ name, durationMs }) => `${name};dur=${durationMs.toFixed(1)}`);
  // A call may have come in the middle of a waking: then it did not wait for all of it.
  const rest = Math.max(0, elapsedMs - readyMs);
  return [...entries, `first-byte;dur=${rest.toFixed(1)}`].join(", ");
}
