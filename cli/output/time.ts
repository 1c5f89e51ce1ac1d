const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
];

/** `5m ago`. @param nowMs the time of the clock */
export function ago(time: string | undefined, nowMs: number): string {
  if (time === undefined) return "";
  const passedMs = nowMs - Date.parse(time);
  if (Number.isNaN(passedMs)) return time;
  const [unitMs, unit] = UNITS.find(([ms]) => passedMs >= ms) ?? [1_000, "s"];
  return `${Math.max(0, Math.floor(passedMs / unitMs))}${unit} ago`;
}

/** `41 ms`, `1.2 s` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
