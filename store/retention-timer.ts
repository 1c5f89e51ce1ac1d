const EVERY_MS = 60_000;
/** What a very large table has left after this many batches waits for the next time. */
const MOST_BATCHES = 1_000;

/** Removes what is too old once a minute, batch by batch. A batch returns whether more is left. */
export class RetentionTimer {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(removeBatch: () => Promise<boolean>, onError: (error: Error) => void) {
    this.#timer = setInterval(() => {
      this.#running ??= this.#run(removeBatch)
        .catch(onError)
        .finally(() => {
          this.#running = undefined;
        });
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Waits for the batch under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(removeBatch: () => Promise<boolean>): Promise<void> {
    for (let batch = 0; batch < MOST_BATCHES && !this.#isClosed; batch++) {
      if (!(await removeBatch())) return;
    }
  }
}
