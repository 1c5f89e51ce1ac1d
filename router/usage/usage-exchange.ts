import type { RouterOrders, RouterReport } from "../../platform/usage/exchange.ts";

type Exchange = (orders: RouterOrders) => Promise<readonly RouterReport[]>;

/** A collector that was silent for this long has ended, in milliseconds. */
const SILENT_MS = 2_000;

/** The exchange of usage with a collector on another host, which decides when. */
export class UsageExchange {
  readonly #exchange: Exchange;
  #doneMs = -Infinity;
  #done = Promise.withResolvers<void>();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async exchange(orders: RouterOrders): Promise<readonly RouterReport[]> {
    const reports = await this.#exchange(orders);
    const done = this.#done;
    this.#done = Promise.withResolvers();
    this.#doneMs = performance.now();
    // After the answer was written.
    setImmediate(done.resolve);
    return reports;
  }

  /** Resolves after the next two exchanges, so that the collector has everything that was counted until now. */
  async last(withinMs: number): Promise<void> {
    if (performance.now() - this.#doneMs > SILENT_MS) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    // One may be under way.
    for (let i = 0; i < 2; i++) await Promise.race([this.#done.promise, late]);
    clearTimeout(timer);
  }
}
