/** Tasks may run for so long before other work has its turn, in milliseconds. */
const MOST_MS = 20;

interface Waiting {
  readonly task: () => void;
}

/**
 * Shares the event loop: the decisions of all runs together take a few milliseconds at a time, and so do the texts of their values. Others
 * wait in the order in which they came while clients, timers and calls have their turn. One task may take longer: whoever gives it
 * bounds it.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #spentMs = 0;
  #isSet = false;

  /** Whether a decision would have to wait. */
  get isOver(): boolean {
    return this.#spentMs >= MOST_MS || this.#waiting.length > 0;
  }

  /** Runs the task now. Its time counts. */
  now<T>(task: () => T): T {
    const startMs = performance.now();
    try {
      return task();
    } finally {
      this.#spentMs += performance.now() - startMs;
      this.#renew();
    }
  }

  /** Runs the task as soon as it is its turn; at once if nobody waits. */
  run<T>(task: () => T): T | Promise<T> {
    if (!this.isOver) return this.now(task);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      task: () => {
        try {
          resolve(this.now(task));
        } catch (error) {
          reject(error as Error);
        }
      },
    });
    this.#renew();
    return promise;
  }

  /** The next turn begins after what has come meanwhile. */
  #renew(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    setImmediate(() => {
      this.#isSet = false;
      this.#spentMs = 0;
      while (this.#waiting.length > 0 && this.#spentMs < MOST_MS) this.#waiting.shift()!.task();
      if (this.#waiting.length > 0) this.#renew();
    });
  }
}
