import type { Endpoints } from "../../platform/platform.ts";
import { FunctionLedger } from "./function-ledger.ts";
import type { SlotsForWorker, SlotsFromWorker } from "./worker-messages.ts";

export interface LedgerOptions {
  /** Workers that share the slots when all of them run. */
  readonly workers: number;
  /** Most calls that may wait per function. */
  readonly waitingCalls: number;
  /** Something is to be told; `take` gives it. */
  readonly changed: () => void;
}

/**
 * Whose the slots of all instances are. One process keeps it for all workers; a slot is with one of them, on its way, or
 * free, and so never used twice. Workers are known by a number that is not used again.
 */
export class SlotLedger {
  readonly #options: LedgerOptions;
  readonly #workers = new Set<number>();
  readonly #byName = new Map<string, FunctionLedger>();
  readonly #news = new Set<FunctionLedger>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** A worker that starts: gives what is its own from the beginning. */
  add(worker: number): SlotsForWorker[] {
    this.#workers.add(worker);
    return [...this.#byName.values()].flatMap((ledger) => {
      ledger.add(worker);
      return ledger.take(worker) ?? [];
    });
  }

  /** A worker that has ended, and its connections to instances with it. */
  remove(worker: number): void {
    this.#workers.delete(worker);
    for (const ledger of this.#byName.values()) {
      ledger.remove(worker);
      this.#settled(ledger);
    }
  }

  update(name: string, endpoints: Endpoints | undefined): void {
    const ledger = this.#byName.get(name) ?? (endpoints && this.#create(name));
    ledger?.update(endpoints);
    if (ledger) this.#settled(ledger);
  }

  /** What a worker said. Nothing of one that has ended. */
  heard(worker: number, functions: readonly SlotsFromWorker[]): void {
    if (!this.#workers.has(worker)) return;
    for (const each of functions) {
      const ledger = this.#byName.get(each.name) ?? this.#create(each.name);
      ledger.heard(worker, each);
      this.#settled(ledger);
    }
  }

  /** What a worker is to be told, once. */
  take(worker: number): SlotsForWorker[] {
    return [...this.#news].flatMap((ledger) => ledger.take(worker) ?? []);
  }

  /** All workers have been told. */
  told(): void {
    for (const ledger of this.#news) if (ledger.isEmpty) this.#byName.delete(ledger.name);
    this.#news.clear();
  }

  #create(name: string): FunctionLedger {
    const { workers, waitingCalls } = this.#options;
    const ledger = new FunctionLedger(name, { workers, waitingCalls });
    for (const worker of this.#workers) ledger.add(worker);
    this.#byName.set(name, ledger);
    return ledger;
  }

  #settled(ledger: FunctionLedger): void {
    if (ledger.isEmpty) this.#byName.delete(ledger.name);
    else if (ledger.hasNews) {
      this.#news.add(ledger);
      this.#options.changed();
    }
  }
}
