import type { CountedBatch } from "../../platform/usage/exchange.ts";
import type { UsageLedger } from "../../store/store.ts";

/** The calls of this month (UTC) by function and key: those in the store at the start, and those counted since. */
export class MonthlyUse {
  readonly #ledger: Pick<UsageLedger, "month"> | undefined;
  #month = "";
  #calls = new Map<string, number>();
  /** False until the calls before the start were read. */
  #isRead = false;

  /** @param ledger undefined where nothing is stored: only calls since the start count */
  constructor(ledger: Pick<UsageLedger, "month"> | undefined) {
    this.#ledger = ledger;
    this.#isRead = ledger === undefined;
  }

  add({ atMs, counts }: CountedBatch): void {
    this.#begin(new Date(atMs));
    for (const { function: name, calls, keys } of counts) {
      this.#add(`function ${name}`, calls);
      for (const [key, use] of Object.entries(keys)) if (key !== "") this.#add(`key ${key}`, use.calls);
    }
  }

  /** @param name such as `function hello` or `key k1a2b3` */
  used(name: string): number {
    return this.#calls.get(name) ?? 0;
  }

  /** Returns the calls by name. */
  all(): Record<string, number> {
    return Object.fromEntries(this.#calls);
  }

  /**
   * Reads what was stored before, once. Nothing that `add` has got may be stored before that.
   * @throws Problem `store_unavailable`
   */
  async read(now: Date): Promise<void> {
    this.#begin(now);
    if (this.#isRead) return;
    const month = this.#month;
    const { functions, keys } = await this.#ledger!.month(now);
    if (month !== this.#month) return;
    for (const [name, calls] of Object.entries(functions)) this.#add(`function ${name}`, calls);
    for (const [key, calls] of Object.entries(keys)) this.#add(`key ${key}`, calls);
    this.#isRead = true;
  }

  /** Starts at zero in a new month. */
  #begin(at: Date): void {
    const month = at.toISOString().slice(0, 7);
    if (month <= this.#month) return;
    // What was stored in the first month of this process was counted by others.
    if (this.#month !== "") this.#isRead = true;
    this.#month = month;
    this.#calls = new Map();
  }

  #add(name: string, calls: number): void {
    this.#calls.set(name, this.used(name) + calls);
  }
}
