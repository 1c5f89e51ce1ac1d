import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { stepDurations } from "../call/server-timing.ts";

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

/** Versions of one function that have series of their own. */
export const VERSIONS_SHOWN = 3;
/** Label of calls that ended after their version had lost its series. */
export const OLDER = "older";

/** Answered calls of one version; `version` is its number, or `older`. */
export interface VersionAnswers {
  readonly version: string;
  /** By class of status, as FunctionStats.answered. */
  readonly answered: readonly number[];
}

/** The counters of one version, which its instances share. */
export class VersionCounter {
  readonly version: number;
  readonly answered = [0, 0, 0, 0, 0, 0];
  /** Where calls are counted: `answered`, or the shared counters of older versions. */
  target: number[] = this.answered;

  constructor(version: number) {
    this.version = version;
  }

  count(status: number): void {
    this.target[Math.min((status / 100) | 0, 5)]!++;
  }
}

/**
 * Answered calls of one function by version, for its newest versions only, so that years of deploys leave three series.
 * When a version loses its series, its numbers are not added to `older`: that would look like a burst of calls. `older`
 * counts calls that end later, such as the last streams of that version.
 */
export class VersionCounters {
  readonly #kept: VersionCounter[] = [];
  readonly #older = [0, 0, 0, 0, 0, 0];
  /** Calls of versions that have lost their series. */
  readonly #left = [0, 0, 0, 0, 0, 0];

  /** Returns the counter of a version that starts to serve. */
  of(version: number): VersionCounter {
    const known = this.#kept.find((each) => each.version === version);
    if (known !== undefined) return known;
    const counter = new VersionCounter(version);
    this.#kept.push(counter);
    if (this.#kept.length > VERSIONS_SHOWN) this.#leave(this.#kept.shift()!);
    return counter;
  }

  /** Answered calls of all versions ever, by status class. */
  total(): number[] {
    const parts = [this.#left, this.#older, ...this.#kept.map(({ answered }) => answered)];
    return this.#left.map((_, index) => parts.reduce((sum, each) => sum + each[index]!, 0));
  }

  read(): VersionAnswers[] {
    const kept = this.#kept.map(({ version, answered }) => ({ version: String(version), answered }));
    return this.#older.some((count) => count > 0)
      ? [{ version: OLDER, answered: this.#older }, ...kept]
      : kept;
  }

  #leave(counter: VersionCounter): void {
    counter.target = this.#older;
    for (const [index, count] of counter.answered.entries()) this.#left[index]! += count;
  }
}
