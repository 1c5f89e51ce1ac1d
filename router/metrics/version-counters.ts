/** Versions of one function that have numbers of their own. */
export const VERSIONS_SHOWN = 3;
/** Where a call is counted that ends after its version is no longer among those. */
export const OLDER = "older";

/** Answered calls of one version; `version` is its number, or `older`. */
export interface VersionAnswers {
  readonly version: string;
  /** By class of status, as FunctionStats.answered. */
  readonly answered: readonly number[];
}

/** One version's counters, as a backend holds them. */
export class VersionCounter {
  readonly version: number;
  readonly answered = [0, 0, 0, 0, 0, 0];
  /** Where calls are counted from now on: here, or among the older ones. */
  target: number[] = this.answered;

  constructor(version: number) {
    this.version = version;
  }

  count(status: number): void {
    this.target[Math.min((status / 100) | 0, 5)]!++;
  }
}

/**
 * Answered calls of one function by version, for the newest versions it had here: a function that is deployed for
 * years has three. The numbers of a version that leaves are not added to `older`, which would look like a burst of
 * calls in that moment: its series ends. `older` counts what ends later, such as the last streams of that version.
 */
export class VersionCounters {
  readonly #kept: VersionCounter[] = [];
  readonly #older = [0, 0, 0, 0, 0, 0];
  /** Calls of versions that left. */
  readonly #left = [0, 0, 0, 0, 0, 0];

  /** The counter of a version that serves from now on. */
  of(version: number): VersionCounter {
    const known = this.#kept.find((each) => each.version === version);
    if (known !== undefined) return known;
    const counter = new VersionCounter(version);
    this.#kept.push(counter);
    if (this.#kept.length > VERSIONS_SHOWN) this.#leave(this.#kept.shift()!);
    return counter;
  }

  /** Of all versions ever, by class of status. */
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
