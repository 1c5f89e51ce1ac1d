/** Formats the figures of many tries in one line. */

export function ms(value: number): string {
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value)} ms`;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function spread(times: readonly number[]): string {
  const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)];
  const range = `${ms(Math.min(...times))} to ${ms(Math.max(...times))}`;
  return `p50 ${ms(p50)}, p95 ${ms(p95)} (${range}, n=${times.length})`;
}

/** Formats the medians of the steps in `Server-Timing` values. */
export function stepMedians(timings: readonly string[]): string {
  const steps = new Map<string, number[]>();
  for (const timing of timings) {
    for (const [, step, duration] of timing.matchAll(/([-\w]+);dur=([\d.]+)/g)) {
      steps.set(step!, [...(steps.get(step!) ?? []), Number(duration)]);
    }
  }
  return [...steps].map(([step, durations]) => `${step} ${ms(percentile(durations, 0.5))}`).join(", ");
}
