import type { PushCounts } from "../../../metrics/git-families.ts";

/** `stored`: only other branches and tags were pushed. `failed`: Skiff or its surroundings are at fault. */
export type PushResult = "deployed" | "stored" | "refused" | "failed";

/** Upper bounds of the buckets, in milliseconds. */
const BOUNDS = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];

/** Counts pushes, for metrics. */
export class PushCounter implements PushCounts {
  readonly results: Record<PushResult, number> = { deployed: 0, stored: 0, refused: 0, failed: 0 };
  readonly durations = { bounds: BOUNDS, counts: new Array<number>(BOUNDS.length + 1).fill(0), sumMs: 0 };

  count(result: PushResult, ms: number): void {
    this.results[result]++;
    const bucket = BOUNDS.findIndex((bound) => ms <= bound);
    this.durations.counts[bucket < 0 ? BOUNDS.length : bucket]!++;
    this.durations.sumMs += ms;
  }
}
