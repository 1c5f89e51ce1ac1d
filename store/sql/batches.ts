import { Problem } from "../../platform/problems.ts";

export interface BatchesOptions<I, O> {
  /** Runs items in one transaction. Outcomes are in the order of the items. */
  readonly run: (items: readonly I[], lane: number) => Promise<readonly O[]>;
  /** Batches at a time. */
  readonly lanes: number;
  /** Most items of a batch. */
  readonly most: number;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly done: PromiseWithResolvers<O>;
}

/**
 * Gathers items that arrive while a transaction runs into the next one. A batch starts as soon as a lane is free, so that
 * none waits for others to come. When a batch fails for another reason than the store being away, its items run alone.
 */
export class Batches<I, O> {
  readonly #options: BatchesOptions<I, O>;
  readonly #free: number[];
  #waiting: Waiting<I, O>[] = [];
  #isStarting = false;

  constructor(options: BatchesOptions<I, O>) {
    this.#options = options;
    this.#free = Array.from({ length: options.lanes }, (_, lane) => lane);
  }

  add(item: I): Promise<O> {
    const done = Promise.withResolvers<O>();
    this.#waiting.push({ item, done });
    this.#startSoon();
    return done.promise;
  }

  /** After what arrived in the same turn of the event loop. */
  #startSoon(): void {
    if (this.#isStarting || this.#free.length === 0) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      const lane = this.#free.pop();
      if (lane === undefined) return;
      const batch = this.#waiting.splice(0, this.#options.most);
      void this.#run(batch, lane);
      if (this.#waiting.length > 0) this.#startSoon();
    });
  }

  async #run(batch: readonly Waiting<I, O>[], lane: number): Promise<void> {
    await this.#settle(batch, lane);
    this.#free.push(lane);
    if (this.#waiting.length > 0) this.#startSoon();
  }

  async #settle(batch: readonly Waiting<I, O>[], lane: number): Promise<void> {
    try {
      const outcomes = await this.#options.run(
        batch.map(({ item }) => item),
        lane,
      );
      for (const [place, { done }] of batch.entries()) done.resolve(outcomes[place]!);
    } catch (error) {
      if (batch.length > 1 && !isOfStore(error)) for (const each of batch) await this.#settle([each], lane);
      else for (const { done } of batch) done.reject(error);
    }
  }
}

/** Whether the store itself could not do it, whatever was asked. */
function isOfStore(error: unknown): boolean {
  return error instanceof Problem && (error.code === "store_unavailable" || error.code === "draining");
}
