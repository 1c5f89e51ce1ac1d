const FIRST_MS = 100;
const LONGEST_MS = 10_000;
/** Time after which a worker that ends has been a healthy one. */
const HEALTHY_MS = 10_000;

/** Ends of workers in a row, and how long to wait until the next start. */
export class Restarts {
  #failures = 0;

  /** A worker ended after this time; gives the time to wait, 0 for the first in a row. */
  afterMs(livedMs: number): number {
    if (livedMs >= HEALTHY_MS) this.#failures = 0;
    const failures = this.#failures++;
    return failures === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  }
}
