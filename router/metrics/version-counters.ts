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
