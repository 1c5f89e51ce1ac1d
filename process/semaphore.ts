import { WaitingList } from "./waiting-list.ts";

/** Runs at most `places` pieces of work at a time, in order of arrival. Callers bound how many wait. */
export class Semaphore {
  #free: number;
  readonly #waiting = new WaitingList<undefined>();

  constructor({ places }: { readonly places: number }) {
    this.#free = places;
  }

  /** @throws the error of `work`; the signal's reason if it aborts before the work begins */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#waiting.wait(undefined, signal);
    try {
      return await work();
    } finally {
      if (!this.#waiting.admit()) this.#free++;
    }
  }
}
