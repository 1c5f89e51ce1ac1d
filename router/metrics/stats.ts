import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { USAGE_BUCKETS } from "../../platform/usage/durations.ts";
import type { Counted, CountedUse, FailedCall, TracedCall } from "../../platform/usage/exchange.ts";
import { stepDurations } from "../telemetry/call-record.ts";

/** Upper bounds of the duration buckets, in milliseconds. One more bucket holds longer calls. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Counters of one function since its first call, as plain values that processes can exchange. */
export interface FunctionStats
  extends Readonly<
    Omit<Counters, "versions" | "poolMisses" | "countDuration" | "countRefusal" | "countWake">
  > {
  readonly name: string;
  /** Calls that instances are processing now. */
  readonly inFlight: number;
  /** Calls that wait for an instance now. */
  readonly waiting: number;
  readonly ready: number;
  /** Set while a version of it has an instance for each call. */
  readonly pool?: CallPoolStats;
  /** Answered calls by version, or `older`, and status class: index 1 is 1xx (upgrades), 5 is 5xx. */
  readonly versions: Readonly<Record<string, readonly number[]>>;
}

export interface CallPoolStats {
  /** Ready instances that have taken no call. */
  readonly unused: number;
  /** Calls that found no such instance. */
  readonly misses: number;
}

/** Counters of a router that belong to no function. */
export interface RouterTotals {
  /** Requests rejected before their function was known, or because they ended early, by problem code. */
  readonly unrouted: Readonly<Partial<Record<ProblemCode, number>>>;
  readonly logLinesDropped: number;
  readonly spansDropped: number;
}

/** Counters of a function. Plain numbers, so that a call looks up no labels. */
export class Counters {
  readonly versions = new VersionCounters();
  /** Calls that the router answered with a problem, by its code. `versions` counts them too. */
  readonly refused: Partial<Record<ProblemCode, number>> = {};
  /** Calls per bucket of DURATION_BUCKETS_MS (not cumulative), the last one without a bound. */
  readonly durationCounts: number[] = new Array(DURATION_BUCKETS_MS.length + 1).fill(0);
  /** Time that cold starts spent in each step, in seconds. Empty where the platform reports no steps. */
  readonly wakeStepS: Partial<Record<WakeStep["name"], number>> = {};
  durationSumMs = 0;
  /** Calls whose client disconnected before the response. */
  abandoned = 0;
  /** Retries after an instance did not accept the connection. */
  retries = 0;
  /** Sum of the times that calls waited for an instance, in seconds. */
  waitedS = 0;
  /** Calls that found no instance and woke the function. */
  coldStarts = 0;
  /** Calls that found no unused instance, of versions with an instance for each call. */
  poolMisses = 0;

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
 * Answered calls of one function by version, for its newest versions only, so that years of deploys leave
 * three series. When a version loses its series, its numbers are not added to `older`: that would look like a
 * burst of calls. `older` counts calls that end later, such as the last streams of that version.
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
    this.#kept.sort((a, b) => a.version - b.version);
    if (this.#kept.length > VERSIONS_SHOWN) this.#kept.shift()!.answered = this.#older;
    return counter;
  }

  read(): FunctionStats["versions"] {
    const kept = Object.fromEntries(this.#kept.map(({ version, answered }) => [version, answered]));
    return this.#older.some((count) => count > 0) ? { ...kept, older: this.#older } : kept;
  }
}

/** A call that has ended. */
export interface EndedCall {
  /** Id of the key; empty for a call without one. */
  readonly key: string;
  readonly isError: boolean;
  /** Time from its arrival to the end of its response. */
  readonly durationMs: number;
  /** Time that an instance had it. */
  readonly instanceMs: number;
  /** Bytes sent to the client, heads included. */
  readonly bytesOut: number;
}

/** What the calls of one version used since the last batch. Plain numbers, so that a call without a key looks nothing up. */
export class VersionUsage {
  readonly function: string;
  readonly version: number;
  readonly sheet: UsageTarget;
  readonly #gbPerMs: number;
  #isTouched = false;
  #calls = 0;
  #errors = 0;
  #durations: number[] = NO_DURATIONS.slice();
  #withoutKey: CountedUse = noUse();
  #byKey: Map<string, CountedUse> | undefined;
  #coldStarts = 0;
  #wakeMs: Partial<Record<WakeStep["name"], number>> | undefined;
  #refused = 0;

  constructor({ name, version, memoryMiB, sheet }: VersionUsageOptions) {
    this.function = name;
    this.version = version;
    this.#gbPerMs = (memoryMiB * 2 ** 20) / 1e9 / 1_000;
    this.sheet = sheet;
  }

  count({ key, isError, durationMs, instanceMs, bytesOut }: EndedCall): void {
    if (!this.#isTouched) this.#touch();
    this.#calls++;
    const use = key === "" ? this.#withoutKey : this.#of(key);
    use.calls++;
    use.gbSeconds += instanceMs * this.#gbPerMs;
    use.bytesOut += bytesOut;
    if (isError) {
      use.errors++;
      this.#errors++;
    }
    const bucket = Math.ceil(Math.log2(durationMs / USAGE_BUCKETS.firstMs) * USAGE_BUCKETS.perDoubling);
    this.#durations[bucket > 0 ? Math.min(bucket, LAST_BUCKET) : 0]!++;
  }

  countColdStart(): void {
    this.#touch();
    this.#coldStarts++;
  }

  /** Counts the steps of a start, when it is over. */
  countWake(steps: readonly WakeStep[]): void {
    this.#touch();
    this.#wakeMs ??= {};
    for (const { name, durationMs } of stepDurations(steps)) {
      this.#wakeMs[name] = (this.#wakeMs[name] ?? 0) + durationMs;
    }
  }

  /** Counts a call that was refused before it had a version. */
  countRefused(): void {
    this.#touch();
    this.#refused++;
  }

  /** Calls since the last batch. */
  get calls(): number {
    return this.#calls;
  }

  /** Returns the calls with a key since the last batch. */
  callsWith(key: string): number {
    return this.#byKey?.get(key)?.calls ?? 0;
  }

  /** Returns the counts and starts again at zero. */
  take(): Counted {
    const { function: name, version } = this;
    const keys = Object.fromEntries(this.#byKey ?? []);
    if (this.#withoutKey.calls > 0) keys[""] = this.#withoutKey;
    const counted = {
      ...{ calls: this.#calls, errors: this.#errors, durations: this.#durations, keys },
      ...(this.#coldStarts > 0 ? { coldStarts: this.#coldStarts } : {}),
      ...(this.#wakeMs === undefined ? {} : { wakeMs: this.#wakeMs }),
      ...(this.#refused > 0 ? { refused: this.#refused } : {}),
    };
    this.#isTouched = false;
    this.#coldStarts = 0;
    this.#wakeMs = undefined;
    this.#refused = 0;
    this.#calls = 0;
    this.#errors = 0;
    this.#durations = NO_DURATIONS.slice();
    this.#withoutKey = noUse();
    this.#byKey = undefined;
    return { function: name, version, ...counted };
  }

  #touch(): void {
    if (!this.#isTouched) this.sheet.touched.push(this);
    this.#isTouched = true;
  }

  #of(key: string): CountedUse {
    this.#byKey ??= new Map();
    let use = this.#byKey.get(key);
    if (use === undefined) {
      use = noUse();
      this.#byKey.set(key, use);
    }
    return use;
  }
}

export interface VersionUsageOptions {
  readonly name: string;
  readonly version: number;
  readonly memoryMiB: number;
  readonly sheet: UsageTarget;
}

/** Where the versions of a router put their counts. */
export interface UsageTarget {
  /** Versions with something to count since the last batch. */
  readonly touched: VersionUsage[];
  fail(call: Omit<FailedCall, "atMs">): void;
  /** Takes where the time of a call went. */
  trace(call: Omit<TracedCall, "atMs">): void;
}

const NO_DURATIONS: readonly number[] = new Array(USAGE_BUCKETS.count).fill(0);
const LAST_BUCKET = USAGE_BUCKETS.count - 1;

function noUse(): CountedUse {
  return { calls: 0, errors: 0, gbSeconds: 0, bytesOut: 0 };
}
