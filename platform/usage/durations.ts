/** Buckets per doubling of the duration: each bound is 19 % above the one before. */
const PER_DOUBLING = 4;
/** Bound of the first bucket, in milliseconds. */
const FIRST_MS = 0.25;

/** Buckets of the durations of calls, from 0.25 ms to 65 s. The last one has no bound. */
export const USAGE_BUCKETS = { count: 74, firstMs: FIRST_MS, perDoubling: PER_DOUBLING } as const;

/** Returns the bounds of a bucket in milliseconds; calls in it took more than `fromMs` and at most `toMs`. */
export function boundsOf(bucket: number): { readonly fromMs: number; readonly toMs: number } {
  const boundMs = (index: number) => FIRST_MS * 2 ** (index / PER_DOUBLING);
  const fromMs = bucket === 0 ? 0 : boundMs(bucket - 1);
  return { fromMs, toMs: bucket === USAGE_BUCKETS.count - 1 ? Infinity : boundMs(bucket) };
}

/**
 * Returns the bucket of the call behind which a share `quantile` of all calls lies, from 0 to 1. Undefined without calls.
 * @param durations calls per bucket
 */
export function bucketOfQuantile(durations: readonly number[], quantile: number): number | undefined {
  const all = durations.reduce((sum, count) => sum + count, 0);
  let left = Math.max(1, Math.ceil(all * quantile));
  for (const [bucket, count] of durations.entries()) {
    left -= count;
    if (left <= 0) return bucket;
  }
  return undefined;
}

/** Returns the duration that a share `quantile` of all calls did not exceed, within 10 %; undefined without calls. */
export function quantileMs(durations: readonly number[], quantile: number): number | undefined {
  const bucket = bucketOfQuantile(durations, quantile);
  if (bucket === undefined) return undefined;
  const { fromMs, toMs } = boundsOf(bucket);
  if (bucket === 0) return toMs / 2;
  // The middle on the logarithmic scale of the buckets.
  return toMs === Infinity ? fromMs : Math.sqrt(fromMs * toMs);
}

/** Adds up two counts of calls per bucket; the shorter one has no calls in the rest. */
export function addDurations(a: readonly number[], b: readonly number[]): number[] {
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, index) => (a[index] ?? 0) + (b[index] ?? 0),
  );
}
