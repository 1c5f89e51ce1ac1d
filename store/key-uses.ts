import { randomUUID } from "node:crypto";
import type { UsageLedger } from "./store.ts";

/** Time between a use and its write to the store, in milliseconds. */
const STORE_MS = 5_000;

export interface KeyUsesOptions {
  /** The kind of program, which names what it writes. */
  readonly program: "manager" | "events" | "flows";
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
  /** Absent where Skiff runs without a store: uses are known to this process alone. */
  readonly ledger?: Pick<UsageLedger, "add" | "lastUse"> | undefined;
  readonly print: (line: string) => void;
}

/** Keeps when each key was used last in a program. At most one entry for each key. */
export class KeyUses {
  readonly #options: KeyUsesOptions;
  readonly #times = new Map<string, Date>();
  readonly #source: string;
  #sequence = 0;
  /** Keys whose last use is not stored. */
  #unstored = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;

  constructor(options: KeyUsesOptions) {
    this.#options = options;
    this.#source = `${options.program} ${randomUUID()}`;
  }

  readonly used = (id: string): void => {
    this.#times.set(id, new Date(this.#options.now()));
    if (this.#options.ledger === undefined) return;
    this.#unstored.add(id);
    this.#timer ??= setTimeout(() => void this.flush(), STORE_MS).unref();
  };

  /** Returns the last use of each key, in calls too. */
  async all(): Promise<ReadonlyMap<string, Date>> {
    const stored = await this.#options.ledger?.lastUse();
    const all = new Map(stored);
    for (const [id, time] of this.#times) if ((all.get(id) ?? 0) < time) all.set(id, time);
    return all;
  }

  forget(id: string): void {
    this.#times.delete(id);
    this.#unstored.delete(id);
  }

  /** Stores what is not stored. A failure is printed once, and the uses are stored later. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { ledger, print } = this.#options;
    const ids = [...this.#unstored];
    if (ledger === undefined || ids.length === 0) return;
    this.#unstored = new Set();
    const keys = ids.flatMap((key) => {
      const usedAt = this.#times.get(key);
      return usedAt === undefined ? [] : [{ key, usedAt }];
    });
    try {
      await ledger.add([{ source: this.#source, sequence: ++this.#sequence, hours: [], minutes: [], keys }]);
      this.#isFailing = false;
    } catch (error) {
      for (const id of ids) this.#unstored.add(id);
      if (!this.#isFailing) print(`the last use of keys cannot be stored: ${(error as Error).message}`);
      this.#isFailing = true;
    }
  }
}
