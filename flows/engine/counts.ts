/** Upper bounds of the buckets of the overhead of steps, in milliseconds. */
export const OVERHEAD_BUCKETS = [1, 2, 3, 5, 10, 20, 50, 100, 250, 500, 1_000, 5_000] as const;

/** What an engine counts, for metrics. */
export class FlowCounts {
  /** Attempts of steps that were begun. */
  attempts = 0;
  /** Of these, those that followed a failed one. */
  retries = 0;
  /** Attempts that Skiff could not make for now. */
  refused = 0;
  /** Runs of this engine that ended, by state. */
  readonly ended = { done: 0, failed: 0, cancelled: 0 };
  /** Runs that this engine has in memory. */
  owned = 0;
  /** Calls under way. */
  calls = 0;
  /** Live runs without progress that nothing explains. */
  stuck = 0;
  /** From the result of a step to the start of what follows it: counts by bucket, not cumulative, with one for longer times. */
  readonly overhead = { counts: new Array<number>(OVERHEAD_BUCKETS.length + 1).fill(0), sumMs: 0 };

  /** Records the time between the result of a step and the start of the next ones. */
  stepped(ms: number): void {
    const bucket = OVERHEAD_BUCKETS.findIndex((bound) => ms <= bound);
    this.overhead.counts[bucket < 0 ? OVERHEAD_BUCKETS.length : bucket]!++;
    this.overhead.sumMs += ms;
  }
}
