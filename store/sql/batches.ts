import { Problem } from "../../platform/problems.ts";
import { storeUnavailable } from "../unavailable.ts";

/** Most items that wait for a lane. */
const MOST_WAITING = 4_096;
const WAIT_MS = 10_000;

export interface BatchesOptions<I, O> {
  /** Runs items in one transaction. Outcomes are in the order of the items. */
  readonly run: (items: readonly I[], lane: number) => Promise<readonly O[]>;
  /** Batches at a time. */
  readonly lanes: number;
  /** Most items of a batch. */
  readonly most: number;
  /** Longest time until the batch of an item starts, in milliseconds; 10 s by default. */
  readonly waitMs?: number;
}

interface Waiting<I, O> {
  readonly item: I;
  /** By the monotonic clock. */
  readonly since: number;
  readonly done: PromiseWithResolvers<O>;
}

/**
 * Gathers items that arrive while a transaction runs into the next one. A batch starts as soon as a lane is free, so that
 * none waits for others to come. When a batch fails for another reason than the store being away, its items run alone. While
 * the store does not answer, neither the number of items that wait nor their time grows without bound.
 */
export class Batches<I, O> {
  readonly #options: BatchesOptions<I, O>;
  readonly #free: number[];
  #waiting: Waiting<I, O>[] = [];
  #isStarting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatchesOptions<I, O>) {
    this.#options = options;
    this.#free = Array.from({ length: options.lanes }, (_, lane) => lane);
  }

  /** @throws Problem `store_unavailable` also if too many wait, or for too long */
  add(item: I): Promise<O> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(storeUnavailable(`${MOST_WAITING} requests wait for it`));
    const done = Promise.withResolvers<O>();
    this.#waiting.push({ item, since: performance.now(), done });
    this.#startSoon();
    this.#timer ??= this.#timeout(this.#waitMs);
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

  get #waitMs(): number {
    return this.#options.waitMs ?? WAIT_MS;
  }

  #timeout(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), ms).unref();
  }

  /** One timer for all: each that waits is as late as those before it, or less. */
  #expire(): void {
    const since = performance.now() - this.#waitMs;
    const first = this.#waiting.findIndex((each) => each.since > since);
    const late = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first);
    const why = `it did not get to the request within ${this.#waitMs / 1_000} s`;
    for (const { done } of late) done.reject(storeUnavailable(why));
    const [next] = this.#waiting;
    this.#timer = next && this.#timeout(next.since - since);
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
      if (!isOfStore(error)) {
        if (batch.length > 1) for (const each of batch) await this.#settle([each], lane);
        else for (const { done } of batch) done.reject(error);
        return;
      }
      // Those that wait would fail as late, one batch after the other.
      for (const { done } of [...batch, ...this.#waiting.splice(0)]) done.reject(error);
    }
  }
}

/** Whether the store itself could not do it, whatever was asked. */
function isOfStore(error: unknown): boolean {
  return error instanceof Problem && (error.code === "store_unavailable" || error.code === "draining");
}
