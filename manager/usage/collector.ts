import { setTimeout as pause } from "node:timers/promises";
import type {
  Counted,
  FailedCall,
  RouterOrder,
  RouterOrders,
  RouterReport,
} from "../../platform/usage/exchange.ts";
import type { UsageBatch, UsageLedger } from "../../store/store.ts";
import { MonthlyUse } from "./monthly-use.ts";
import { Shares } from "./shares.ts";
import { usageRows } from "./usage-rows.ts";

/** Time between two exchanges with the routers, in milliseconds. */
const EXCHANGE_MS = 250;
/** Time between two writes to the store, in milliseconds. */
const STORE_MS = 1_000;
/** A source that was silent for this long has ended. */
const FORGET_MS = 10 * 60_000;
/** The others get the share of a router that was silent for this long. */
const LEASE_MS = 2_000;

const COLLECTING = "usage cannot be collected";
const STORING = "usage cannot be stored and is kept in memory";

export interface CollectorOptions {
  /** Exchanges with every router. Resolves with the reports of those that answer in time. */
  readonly exchange: (orders: RouterOrders, signal: AbortSignal) => Promise<readonly RouterReport[]>;
  /** Undefined where no store is configured: counts end here. */
  readonly ledger: Pick<UsageLedger, "add" | "month"> | undefined;
  /** Receives the calls of each version that ended in a quarter of a second. */
  readonly onCounted?: (counted: Counted) => void;
  /** Receives failed calls, oldest first, and how many are missing. */
  readonly onFailures?: (failures: readonly FailedCall[], lost: number) => void;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

interface SourceState {
  seen: number;
  stored: number;
  heardMs: number;
  /** It got no order yet. */
  isNew: boolean;
  /** The revision of the calls of this month that it has; -1 for none. */
  usedRevision: number;
}

/**
 * Collects what the routers count, and writes it to the store once a second. A router keeps each batch until it is
 * stored, so that a collector on another host can take over. A repeated batch counts once.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #shares = new Shares();
  readonly #month: MonthlyUse;
  readonly #sources = new Map<string, SourceState>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Batches that are not stored, in order. */
  #pending: UsageBatch[] = [];
  #storedMs = performance.now();
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  /** What does not work now, so that each outage prints one line. */
  readonly #troubles = new Set<string>();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#month = new MonthlyUse(options.ledger);
    this.#running = this.#run();
  }

  /** Collects and stores what the routers have counted until now. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#exchange(AbortSignal.timeout(STORE_MS));
    await this.#writing;
    await this.#write();
  }

  async #run(): Promise<void> {
    const { everyMs = EXCHANGE_MS } = this.#options;
    const { signal } = this.#closing;
    // Quotas of a month need the calls before the start.
    await this.#write();
    while (!signal.aborted) {
      await this.#exchange(signal);
      const isAnyNew = [...this.#sources.values()].some(({ isNew }) => isNew);
      if (isAnyNew && !signal.aborted) await this.#exchange(signal);
      if (!this.#isWriting && performance.now() - this.#storedMs >= STORE_MS) this.#writing = this.#write();
      await pause(everyMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #exchange(signal: AbortSignal): Promise<void> {
    try {
      const { revision } = this.#month;
      const reports = await this.#options.exchange(this.#orders(), signal);
      for (const report of reports) this.#take(report, revision);
      const nowMs = performance.now();
      this.#shares.divide(this.#alive(nowMs), (name) => this.#month.used(name), nowMs);
      this.#troubles.delete(COLLECTING);
    } catch (error) {
      if (!signal.aborted) this.#report(COLLECTING, error as Error);
    }
  }

  #orders(): RouterOrders {
    const nowMs = performance.now();
    for (const [source, { heardMs }] of this.#sources) {
      if (nowMs - heardMs > FORGET_MS) this.#sources.delete(source);
    }
    const routers = Math.max(1, this.#alive(nowMs).length);
    const orders = Array.from(this.#sources, ([source, state]): [string, RouterOrder] => {
      const { seen, stored, usedRevision } = state;
      state.isNew = false;
      const used = this.#month.since(usedRevision);
      return [source, { seen, stored, routers, allowances: this.#shares.takeAllowances(source), ...used }];
    });
    return Object.fromEntries(orders);
  }

  #alive(nowMs: number): string[] {
    const heard = [...this.#sources].filter(([, { heardMs }]) => nowMs - heardMs <= LEASE_MS);
    return heard.map(([source]) => source);
  }

  /** @param revision of the calls of this month in the orders */
  #take(report: RouterReport, revision: number): void {
    const { source, batches } = report;
    const { ledger, onCounted, onFailures } = this.#options;
    const state = this.#sources.get(source) ?? newSource();
    this.#sources.set(source, state);
    // It has applied the order that it answers.
    if (!state.isNew) state.usedRevision = revision;
    state.heardMs = performance.now();
    this.#shares.take(report, state.heardMs);
    for (const batch of batches) {
      if (batch.sequence <= state.seen) continue;
      state.seen = batch.sequence;
      if (ledger === undefined) state.stored = batch.sequence;
      else this.#pending.push(usageRows(source, batch));
      this.#month.add(batch);
      for (const counted of batch.counts) onCounted?.(counted);
      if (batch.failures.length > 0) onFailures?.(batch.failures, batch.failuresLost);
    }
  }

  async #write(): Promise<void> {
    const { ledger } = this.#options;
    if (ledger === undefined) return;
    this.#isWriting = true;
    const batches = this.#pending;
    try {
      await this.#month.read(new Date());
      if (batches.length > 0) await ledger.add(batches);
      this.#troubles.delete(STORING);
      this.#pending = this.#pending.slice(batches.length);
      for (const { source, sequence } of batches) {
        const state = this.#sources.get(source);
        if (state !== undefined) state.stored = sequence;
      }
    } catch (error) {
      this.#report(STORING, error as Error);
    } finally {
      this.#isWriting = false;
      this.#storedMs = performance.now();
    }
  }

  #report(what: string, { message }: Error): void {
    if (!this.#troubles.has(what)) this.#options.print(`${what}: ${message}`);
    this.#troubles.add(what);
  }
}

function newSource(): SourceState {
  return { seen: 0, stored: 0, heardMs: 0, isNew: true, usedRevision: -1 };
}
