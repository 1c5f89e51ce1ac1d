import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { stepDurations } from "../call/server-timing.ts";

/** Upper bounds of the duration buckets, in milliseconds. One more bucket holds longer calls. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Numbers by a name of a closed set. A name that was never counted is absent. */
type Tally<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** Counters of one function since the router first routed a call to it. Plain values, so that processes can exchange them. */
export interface FunctionStats {
  readonly name: string;
  /** Calls that instances are processing now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  /** Ready instances now. */
  readonly ready: number;
  readonly versions: readonly VersionAnswers[];
  /** Calls whose client disconnected before the response. */
  readonly abandoned: number;
  /** Calls that the router answered with a problem, by its code. `versions` counts them too. */
  readonly refused: Tally<ProblemCode>;
  /** Retries after an instance did not accept the connection. */
  readonly retries: number;
  /** Sum of the times that calls waited for an instance, in seconds. */
  readonly waitedS: number;
  /** Calls that found no instance and woke the function. */
  readonly coldStarts: number;
  /** Time that cold starts spent in each step, in seconds. Empty where the platform reports no steps. */
  readonly wakeStepS: Tally<WakeStep["name"]>;
  readonly durationSumMs: number;
  /** Calls per bucket of DURATION_BUCKETS_MS (not cumulative), the last one without a bound. */
  readonly durationCounts: readonly number[];
}

/** Counters of a router that belong to no function. */
export interface RouterTotals {
  /** Requests rejected before their function was known, by problem code. */
  readonly unrouted: Tally<ProblemCode>;
  readonly logLinesDropped: number;
  readonly spansDropped: number;
}

/** Counters of a function. Plain numbers, so that a call looks up no labels. */
export class Counters {
  readonly versions = new VersionCounters();
  readonly refused: Partial<Record<ProblemCode, number>> = {};
  readonly durationCounts: number[] = new Array(DURATION_BUCKETS_MS.length + 1).fill(0);
  readonly wakeStepS: Partial<Record<WakeStep["name"], number>> = {};
  durationSumMs = 0;
  abandoned = 0;
  retries = 0;
  waitedS = 0;
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
      this.wakeStepS[name] = (this.wakeStepS[name] ?? 0) + durationMs / 1_000;
    }
  }
}

/** Versions of one function that have series of their own. */
const VERSIONS_SHOWN = 3;

/** Answered calls of one version. */
export interface VersionAnswers {
  /** Its number, or `older`. */
  readonly version: string;
  /** By status class: index 1 is 1xx (upgrades), 5 is 5xx. Index 0 is not used. */
  readonly answered: readonly number[];
}

/** The counters of one version, which its instances share. */
export class VersionCounter {
  readonly version: number;
  /** Counters of calls that end from now on: those of this version, or those of all older ones. */
  answered = [0, 0, 0, 0, 0, 0];

  constructor(version: number) {
    this.version = version;
  }

  count(status: number): void {
    this.answered[Math.min((status / 100) | 0, 5)]!++;
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

  /** Returns the counter of a version that starts to serve. */
  of(version: number): VersionCounter {
    const known = this.#kept.find((each) => each.version === version);
    if (known !== undefined) return known;
    const counter = new VersionCounter(version);
    this.#kept.push(counter);
    if (this.#kept.length > VERSIONS_SHOWN) this.#kept.shift()!.answered = this.#older;
    return counter;
  }

  read(): VersionAnswers[] {
    const kept = this.#kept.map(({ version, answered }) => ({ version: String(version), answered }));
    const hasOlder = this.#older.some((count) => count > 0);
    return hasOlder ? [{ version: "older", answered: this.#older }, ...kept] : kept;
  }
}
