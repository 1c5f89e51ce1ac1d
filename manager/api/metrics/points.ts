import { addDurations, quantileMs } from "../../../platform/usage/durations.ts";
import type { SampledStep, SeriesQuery, UsageStep } from "../../../store/store.ts";
import { rounded } from "../describe/rounded.ts";

const QUANTILES = { p50Ms: 0.5, p95Ms: 0.95, p99Ms: 0.99 } as const;

/** A step of time of one function, all versions together. */
interface Point {
  readonly at: Date;
  readonly calls: number;
  readonly errors: number;
  readonly refused: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Absent where nobody took a sample. */
  readonly instances?: number;
  readonly memoryMiB?: number;
  readonly coldStarts: number;
  readonly wakeMs: Readonly<Record<string, number>>;
}

/** Returns a point for every step, also for those in which nothing happened. */
export function pointsOf(
  steps: readonly UsageStep[],
  samples: readonly SampledStep[],
  { since, until, stepMs }: Omit<SeriesQuery, "functions">,
): readonly Point[] {
  const byTime = Map.groupBy(steps, ({ from }) => from.getTime());
  const sampled = new Map(samples.map((sample) => [sample.from.getTime(), sample]));
  const points: Point[] = [];
  for (let at = since.getTime(); at < until.getTime(); at += stepMs) {
    const { instances, memoryMiB } = sampled.get(at) ?? {};
    points.push({
      at: new Date(at),
      ...sumOf(byTime.get(at) ?? []),
      ...(instances === undefined ? {} : { instances }),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
    });
  }
  return points;
}

/** Returns the calls of each version. */
export function versionsOf(steps: readonly UsageStep[]): Readonly<Record<string, object>> {
  const versions = Object.entries(Object.groupBy(steps, ({ version }) => version));
  return Object.fromEntries(
    versions.map(([version, own = []]) => {
      const { calls, errors } = sumOf(own);
      return [version, { calls, errors }];
    }),
  );
}

function sumOf(steps: readonly UsageStep[]): Omit<Point, "at" | "instances" | "memoryMiB"> {
  let [calls, errors, refused, coldStarts] = [0, 0, 0, 0];
  let durations: number[] = [];
  const wakeMs: Record<string, number> = {};
  for (const step of steps) {
    calls += step.calls;
    errors += step.errors;
    refused += step.refused;
    coldStarts += step.coldStarts;
    durations = addDurations(durations, step.durations);
    for (const [name, ms] of Object.entries(step.wakeMs)) wakeMs[name] = (wakeMs[name] ?? 0) + ms;
  }
  const quantiles = Object.entries(QUANTILES).flatMap(([name, quantile]) => {
    const ms = quantileMs(durations, quantile);
    return ms === undefined ? [] : [[name, rounded(ms)]];
  });
  const wake = Object.entries(wakeMs).map(([name, ms]) => [name, Math.round(ms)]);
  return {
    ...{ calls, errors, refused },
    ...Object.fromEntries(quantiles),
    ...{ coldStarts, wakeMs: Object.fromEntries(wake) },
  };
}
