/** A pod of the pool has its function by then, or the cluster's own pods are needed. */
export const POOL_MS = 400;

/**
 * The cluster's own pods of a version are asked for once, and where the pool has pods for it, second: what the cluster
 * does for them takes the processors that the pool's need to load.
 */
export class OwnPods {
  readonly #bringUp: () => Promise<void>;
  #asked: Promise<void> | undefined;

  constructor(bringUp: () => Promise<void>) {
    this.#bringUp = bringUp;
  }

  ask(): Promise<void> {
    this.#asked ??= this.#bringUp();
    return this.#asked;
  }

  /** A pod of the pool may have died since it was loaded. Ends after what was asked, as in `both`. */
  async askIfLate(serves: Promise<void>): Promise<void> {
    const late = setTimeout(() => {
      // Whoever needs them asks again, and is told of a failure then.
      this.ask().catch(() => {
        this.#asked = undefined;
      });
    }, POOL_MS);
    try {
      await serves;
    } finally {
      clearTimeout(late);
      await Promise.allSettled([this.#asked]);
    }
  }
}
