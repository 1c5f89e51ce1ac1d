import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { stepDurations } from "../call/server-timing.ts";
import { type VersionAnswers, VersionCounters } from "./version-counters.ts";

/** Upper bounds of the duration buckets, in milliseconds; one more bucket holds what is longer. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Numbers by a name of a closed set; what was not counted yet is absent. */
export type Tally<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** Counters of one function since the router first routed a call to it. Plain values: they go between processes. */
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
  /** The same by version, for the newest ones; see VersionCounters. */
  readonly versions: readonly VersionAnswers[];
  /** Calls whose client left before there was an answer. */
  readonly abandoned: number;
  /** Calls that the router answered itself, by code of the problem. They are in `answered` too. */
  readonly refused: Tally<ProblemCode>;
  /** Times that a call was tried again because an instance did not accept its connection. */
  readonly retries: number;
  /** Time that calls waited for an instance, over all calls. */
  readonly waitedMs: number;
  /** Times that a call found no instance and the function was woken. */
  readonly coldStarts: number;
  /** Time that wakings took in each of their steps, in milliseconds, where the platform tells them. */
  readonly wakeStepMs: Tally<WakeStep["name"]>;
  readonly durationSumMs: number;
  /** Calls per bucket of DURATION_BUCKETS_MS (not cumulative), the last one without a bound. */
  readonly durationCounts: readonly number[];
}

/** What a router counts besides its functions. */
export interface RouterTotals {
  /** Requests that were refused before their function was known, by code of the problem. */
  readonly unrouted: Tally<ProblemCode>;
  /** Lines of the access log that were dropped because they could not be written fast enough. */
  readonly logLinesDropped: number;
  /** Spans that were not exported: too many at a time, or the receiver failed. */
  readonly spansDropped: number;
}

/** The counters of a route: plain numbers, so that a call costs no look-up by labels. */
export class Counters {
  readonly versions = new VersionCounters();
  readonly refused: Partial<Record<ProblemCode, number>> = {};
  readonly durationCounts: number[] = new Array(DURATION_BUCKETS_MS.length + 1).fill(0);
  readonly wakeStepMs: Partial<Record<WakeStep["name"], number>> = {};
  durationSumMs = 0;
  abandoned = 0;
  retries = 0;
  waitedMs = 0;
  coldStarts = 0;

  countDuration(durationMs: number): void {
    this.durationSumMs += durationMs;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS_MS.length && durationMs > DURATION_BUCKETS_MS[bucket]!) bucket++;
    this.durationCounts[bucket]!++;
  }

  countRefusal(code: ProblemCode): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  countWake(steps: readonly WakeStep[]): void {
    for (const { name, durationMs } of stepDurations(steps)) {
      this.wakeStepMs[name] = (this.wakeStepMs[name] ?? 0) + durationMs;
    }
  }

  read() {
    const { versions, refused, retries, waitedMs, coldStarts, wakeStepMs, abandoned } = this;
    const { durationCounts, durationSumMs } = this;
    const counted = { refused, retries, waitedMs, coldStarts, wakeStepMs, abandoned };
    return {
      ...counted,
      answered: versions.total(),
      versions: versions.read(),
      durationCounts,
      durationSumMs,
    };
  }
}
