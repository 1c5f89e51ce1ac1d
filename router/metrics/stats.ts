import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { stepDurations } from "../call/server-timing.ts";
import { type VersionAnswers, VersionCounters } from "./version-counters.ts";

/** Upper bounds of the duration buckets, in milliseconds. One more bucket holds longer calls. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Numbers by a name of a closed set. A name that was never counted is absent. */
export type Tally<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** Counters of one function since the router first routed a call to it. Plain values, so that processes can exchange them. */
export interface FunctionStats {
  readonly name: string;
  /** Calls that instances are processing now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /** Ready instances now. */
  readonly ready: number;
  /** Answered calls by class of status: index 1 is 1xx (upgrades), 5 is 5xx. Index 0 is not used. */
  readonly answered: readonly number[];
  /** The same for each of the newest versions; see VersionCounters. */
  readonly versions: readonly VersionAnswers[];
  /** Calls whose client disconnected before the response. */
  readonly abandoned: number;
  /** Calls that the router answered with a problem, by its code. `answered` counts them too. */
  readonly refused: Tally<ProblemCode>;
  /** Retries after an instance did not accept the connection. */
  readonly retries: number;
  /** Sum of the times that calls waited for an instance, in milliseconds. */
  readonly waitedMs: number;
  /** Calls that found no instance and woke the function. */
  readonly coldStarts: number;
  /** Time that cold starts spent in each step, in milliseconds. Empty where the platform reports no steps. */
  readonly wakeStepMs: Tally<WakeStep["name"]>;
  readonly durationSumMs: number;
  /** Calls per bucket of DURATION_BUCKETS_MS (not cumulative), the last one without a bound. */
  readonly durationCounts: readonly number[];
}

/** Counters of a router that belong to no function. */
export interface RouterTotals {
  /** Requests rejected before their function was known, by problem code. */
  readonly unrouted: Tally<ProblemCode>;
  /** Access log lines dropped because the sink was too slow. */
  readonly logLinesDropped: number;
  /** Spans dropped because too many were queued or the receiver failed. */
  readonly spansDropped: number;
}

/** Counters of a route. Plain numbers, so that a call looks up no labels. */
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
