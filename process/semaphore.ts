import { WaitingList } from "./waiting-list.ts";

export interface SemaphoreOptions {
  /** Pieces of work that run at a time. */
  readonly places: number;
  /** How many may wait; without it the caller keeps the bound. */
  readonly waiting?: { readonly most: number; readonly refusal: () => Error };
}

/** Runs at most `places` pieces of work at a time; the rest waits in order of arrival. */
export class Semaphore {
  #free: number;
  readonly #bound: SemaphoreOptions["waiting"];
  readonly #waiting = new WaitingList<void>();

  constructor({ places, waiting }: SemaphoreOptions) {
    this.#free = places;
    this.#bound = waiting;
  }

  /**
   * Resolves with the result of the work.
   * @throws the refusal if too many wait already, the signal's reason when it aborts before the work began
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else if (this.#bound && this.#waiting.size >= this.#bound.most) throw this.#bound.refusal();
    else await this.#waiting.wait(undefined, signal);
    try {
      return await work();
    } finally {
      if (!this.#waiting.admit()) this.#free++;
    }
  }
}
