export interface UsageSums {
  readonly calls: number;
  readonly errors: number;
  readonly gbSeconds: number;
  readonly bytesOut: number;
}

export interface UsageRow extends UsageSums {
  readonly function?: string;
  /** Id; empty for calls without a key. */
  readonly key?: string;
  readonly version?: number;
  readonly hour?: string;
}

/** `GET /usage`. */
export interface Usage {
  readonly from: string;
  readonly to: string;
  readonly usage: readonly UsageRow[];
  readonly total: UsageSums;
}

export type Range = "day" | "week" | "30d" | "month" | "custom";

const HOUR_MS = 3_600_000;

/** Returns the start of a range; undefined is the start of this month, which the API takes by itself. */
export function startOf(range: Range, custom: string, nowMs: number): string | undefined {
  const days = { day: 1, week: 7, "30d": 30, month: undefined, custom: undefined }[range];
  if (range === "custom") return custom === "" ? undefined : custom;
  return days === undefined ? undefined : new Date(nowMs - days * 24 * HOUR_MS).toISOString();
}

export interface Bar {
  /** Start of the hour or day, in milliseconds since 1970. */
  readonly at: number;
  readonly calls: number;
  readonly errors: number;
}

/** More bars than this are days instead of hours. */
const MOST_HOURS = 72;

/** Returns a bar for each hour, or for each day of a longer range, also where nothing was called. */
export function barsOf({ from, to, usage }: Usage): {
  readonly bars: readonly Bar[];
  readonly isDaily: boolean;
} {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const isDaily = (end - start) / HOUR_MS > MOST_HOURS;
  const stepMs = isDaily ? 24 * HOUR_MS : HOUR_MS;
  const first = Math.floor(start / stepMs) * stepMs;
  const bars = Array.from({ length: Math.max(1, Math.ceil((end - first) / stepMs)) }, (_, index) => ({
    ...{ at: first + index * stepMs, calls: 0, errors: 0 },
  }));
  for (const { hour, calls, errors } of usage) {
    const bar = bars[Math.floor((Date.parse(hour!) - first) / stepMs)];
    if (bar === undefined) continue;
    bar.calls += calls;
    bar.errors += errors;
  }
  return { bars, isDaily };
}
