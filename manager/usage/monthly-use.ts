import type { CountedBatch, RouterOrder } from "../../platform/usage/exchange.ts";
import type { UsageLedger } from "../../store/store.ts";

/** Most changes that are kept for routers that did not answer. */
const MOST_CHANGES = 256;

/** The calls of this month (UTC) by function and key: those in the store at the start, and those counted since. */
export class MonthlyUse {
  readonly #ledger: Pick<UsageLedger, "month"> | undefined;
  #month = "";
  #calls = new Map<string, number>();
  /** False until the calls before the start were read. */
  #isRead = false;
  #revision = 0;
  /** Routers that know an older revision get all counts. */
  #oldest = 0;
  /** Names that changed since then, by revision. */
  #changes: { readonly revision: number; readonly names: ReadonlySet<string> }[] = [];

  /** @param ledger undefined where nothing is stored: only calls since the start count */
  constructor(ledger: Pick<UsageLedger, "month"> | undefined) {
    this.#ledger = ledger;
    this.#isRead = ledger === undefined;
  }

  add({ atMs, counts }: CountedBatch): void {
    this.#begin(new Date(atMs));
    const names = new Set<string>();
    const add = (name: string, calls: number) => {
      this.#add(name, calls);
      names.add(name);
    };
    for (const { function: name, calls, keys } of counts) {
      add(`function ${name}`, calls);
      for (const [key, use] of Object.entries(keys)) if (key !== "") add(`key ${key}`, use.calls);
    }
    this.#changes.push({ revision: ++this.#revision, names });
    if (this.#changes.length > MOST_CHANGES) this.#oldest = this.#changes.shift()!.revision;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** @param name such as `function hello` or `key k1a2b3` */
  used(name: string): number {
    return this.#calls.get(name) ?? 0;
  }

  /** Returns what a router that knows a revision lacks; -1 for one that knows nothing. */
  since(revision: number): Pick<RouterOrder, "used" | "usedSince"> {
    if (revision < this.#oldest) return { used: Object.fromEntries(this.#calls) };
    if (revision === this.#revision) return {};
    const newer = this.#changes.filter((change) => change.revision > revision);
    const names = new Set(newer.flatMap((change) => [...change.names]));
    return { usedSince: Object.fromEntries(Array.from(names, (name) => [name, this.used(name)])) };
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
    this.#sendAll();
  }

  /** Starts at zero in a new month. */
  #begin(at: Date): void {
    const month = at.toISOString().slice(0, 7);
    if (month <= this.#month) return;
    // What was stored in the first month of this process was counted by others.
    if (this.#month !== "") this.#isRead = true;
    this.#month = month;
    this.#calls = new Map();
    this.#sendAll();
  }

  #sendAll(): void {
    this.#oldest = ++this.#revision;
    this.#changes = [];
  }

  #add(name: string, calls: number): void {
    this.#calls.set(name, this.used(name) + calls);
  }
}
