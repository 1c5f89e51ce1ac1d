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

const LONG_UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** `41 ms`, `1.2 s`, `3.0 d` */
export function duration(ms: number): string {
  const [unitMs, unit] = LONG_UNITS.find(([least]) => ms >= least) ?? [];
  return unitMs === undefined ? `${Math.round(ms)} ms` : `${(ms / unitMs).toFixed(1)} ${unit}`;
}
