export interface SemaphoreOptions {
  /** Pieces of work that run at a time. */
  readonly places: number;
  /** How many may wait; without it the caller sees to the bound. */
  readonly waiting?: { readonly most: number; readonly refusal: () => Error };
}

/** At most `places` pieces of work at a time; the rest waits in order of arrival. */
export class Semaphore {
  #free: number;
  readonly #waiting: SemaphoreOptions["waiting"];
  readonly #queue: (() => void)[] = [];

  constructor({ places, waiting }: SemaphoreOptions) {
    this.#free = places;
    this.#waiting = waiting;
  }

  /**
   * Gives what the work gives.
   * @throws the refusal if too many wait already, the signal's reason when it aborts before the work began
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting && this.#queue.length >= this.#waiting.most) throw this.#waiting.refusal();
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(turn), 1);
        reject(signal?.reason);
      };
      this.#queue.push(turn);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}
