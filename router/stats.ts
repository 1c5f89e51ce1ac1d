import type { WakeStep } from "../platform/platform.ts";
import type { ProblemCode } from "../platform/problems.ts";
import { stepDurations } from "./server-timing.ts";

/** Upper bounds of the duration buckets, in milliseconds; one more bucket holds what is longer. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Counters of one function since the router first routed a call to it. */
export interface FunctionStats {
  readonly name: string;
  /** Calls that instances are working on now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /** Instances that calls can go to now. */
  readonly ready: number;
  /** Answered calls by class of status: index 1 is 1xx (upgrades), 5 is 5xx. Index 0 is not used. */
  readonly answered: readonly number[];
  /** Calls whose client left before there was an answer. */
  readonly abandoned: number;
  /** Calls that the router answered itself, by code of the problem. They are in `answered` too. */
  readonly refused: ReadonlyMap<ProblemCode, number>;
  /** Times that a call found no instance and the function was woken. */
  readonly coldStarts: number;
  /** Time that wakings took in each of their steps, in milliseconds, where the platform tells them. */
  readonly wakeStepMs: ReadonlyMap<WakeStep["name"], number>;
  readonly durationSumMs: number;
  /** Calls per bucket of DURATION_BUCKETS_MS (not cumulative), the last one without a bound. */
  readonly durationCounts: readonly number[];
}

/** The counters of a route: plain numbers, so that a call costs no look-up by labels. */
export class Counters {
  readonly answered = [0, 0, 0, 0, 0, 0];
  readonly refused = new Map<ProblemCode, number>();
  readonly durationCounts: number[] = new Array(DURATION_BUCKETS_MS.length + 1).fill(0);
  readonly wakeStepMs = new Map<WakeStep["name"], number>();
  durationSumMs = 0;
  abandoned = 0;
  coldStarts = 0;

  countAnswer(status: number, durationMs: number): void {
    this.answered[Math.min((status / 100) | 0, 5)]!++;
    this.durationSumMs += durationMs;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS_MS.length && durationMs > DURATION_BUCKETS_MS[bucket]!) bucket++;
    this.durationCounts[bucket]!++;
  }

  countRefusal(code: ProblemCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  countWake(steps: readonly WakeStep[]): void {
    for (const { name, durationMs } of stepDurations(steps)) {
      this.wakeStepMs.set(name, (this.wakeStepMs.get(name) ?? 0) + durationMs);
    }
  }
}
