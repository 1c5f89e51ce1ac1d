import type { Endpoints } from "../../platform/platform.ts";
import type { SlotsForWorker, SlotsFromWorker, Waiting } from "./worker-messages.ts";

export interface FunctionLedgerOptions {
  /** Workers that share the slots when all of them run. */
  readonly workers: number;
  /** Most calls that may wait. */
  readonly waitingCalls: number;
}

interface InstanceEntry {
  readonly concurrency: number;
  readonly byWorker: Map<number, number>;
  free: number;
  /** It is among the endpoints; else its slots are only waited for. */
  isReady: boolean;
}

interface WorkerEntry {
  waiting: Waiting;
  /** Slots granted to it of which it has not said yet that they arrived. */
  onTheWay: number;
  /** Not told yet. */
  readonly granted: Map<string, number>;
  /** What it was told last, less what it returned since. */
  toldWanted: Waiting;
  toldWaiting: number;
}

/** Part of the limit of waiting calls by which the number elsewhere may be wrong. */
const WAITING_STEP = 0.01;

/** Whose the slots of one function's instances are, and who waits for some. */
export class FunctionLedger {
  readonly name: string;
  readonly #options: FunctionLedgerOptions;
  readonly #instances = new Map<string, InstanceEntry>();
  readonly #workers = new Map<number, WorkerEntry>();
  #exists = false;

  constructor(name: string, options: FunctionLedgerOptions) {
    this.name = name;
    this.#options = options;
  }

  /** True when nothing is to be remembered of a function that is gone. */
  get isEmpty(): boolean {
    if (this.#exists || this.#instances.size > 0) return false;
    for (const { waiting, toldWaiting } of this.#workers.values()) {
      if (waiting.calls > 0 || toldWaiting > 0) return false;
    }
    return true;
  }

  get hasNews(): boolean {
    for (const [worker, entry] of this.#workers) {
      if (entry.granted.size > 0 || this.#wantedNews(worker, entry) || this.#waitingNews(worker, entry)) {
        return true;
      }
    }
    return false;
  }

  add(worker: number): void {
    const toldWanted = { calls: 0, sinceMs: 0 };
    const entry = { waiting: toldWanted, toldWanted, toldWaiting: 0, granted: new Map(), onTheWay: 0 };
    this.#workers.set(worker, entry);
    for (const [id, entry] of this.#instances) if (entry.isReady) this.#grantShare(worker, id, entry);
  }

  remove(worker: number): void {
    this.#workers.delete(worker);
    for (const [id, entry] of this.#instances) {
      entry.free += entry.byWorker.get(worker) ?? 0;
      entry.byWorker.delete(worker);
      this.#forgetIfGone(id, entry);
    }
    this.#distribute();
  }

  /** Every worker gets its share of a new instance at once, unless calls wait for it already. */
  update(endpoints: Endpoints | undefined): void {
    this.#exists = endpoints !== undefined;
    const ready = new Set(endpoints?.instances.map(({ id }) => id));
    for (const [id, entry] of this.#instances) {
      if (ready.has(id)) continue;
      entry.isReady = false;
      this.#forgetIfGone(id, entry);
    }
    const arrived: [string, InstanceEntry][] = [];
    for (const id of ready) {
      const entry = this.#instances.get(id) ?? newEntry(endpoints!.concurrency);
      if (!entry.isReady) arrived.push([id, entry]);
      entry.isReady = true;
      this.#instances.set(id, entry);
    }
    this.#distribute();
    for (const [id, entry] of arrived) {
      for (const worker of this.#workers.keys()) this.#grantShare(worker, id, entry);
    }
  }

  heard(worker: number, { waiting, received, returned }: SlotsFromWorker): void {
    const teller = this.#workers.get(worker);
    if (teller === undefined) return;
    teller.waiting = waiting;
    teller.onTheWay -= received;
    for (const [id, count] of returned) {
      const entry = this.#instances.get(id);
      if (entry === undefined) continue;
      entry.byWorker.set(worker, (entry.byWorker.get(worker) ?? 0) - count);
      entry.free += count;
      const { calls, sinceMs } = teller.toldWanted;
      teller.toldWanted = { calls: Math.max(0, calls - count), sinceMs };
      this.#forgetIfGone(id, entry);
    }
    this.#distribute();
  }

  /** What a worker is to be told, once; undefined if that is nothing. */
  take(worker: number): SlotsForWorker | undefined {
    const entry = this.#workers.get(worker);
    if (entry === undefined) return undefined;
    const wanted = this.#wantedNews(worker, entry);
    const waitingElsewhere = this.#waitingNews(worker, entry);
    if (entry.granted.size === 0 && wanted === undefined && waitingElsewhere === undefined) return undefined;
    const granted = [...entry.granted];
    entry.granted.clear();
    if (wanted !== undefined) entry.toldWanted = wanted;
    if (waitingElsewhere !== undefined) entry.toldWaiting = waitingElsewhere;
    return {
      name: this.name,
      granted,
      ...(wanted === undefined ? {} : { wanted }),
      ...(waitingElsewhere === undefined ? {} : { waitingElsewhere }),
    };
  }

  /** Free slots to those who wait: one each in turn, who waits longest first. */
  #distribute(): void {
    const short = [...this.#workers].filter(([, entry]) => unmet(entry) > 0);
    if (short.length === 0) return;
    short.sort(([, a], [, b]) => a.waiting.sinceMs - b.waiting.sinceMs);
    for (let left = short; left.length > 0; left = left.filter(([, entry]) => unmet(entry) > 0)) {
      for (const [worker] of left) {
        const most = this.#mostFree();
        if (most === undefined) return;
        this.#grant(worker, most[0], most[1], 1);
      }
    }
    // Who ran short runs short again.
    const [worker] = short[0]!;
    for (const [id, entry] of this.#instances) {
      if (entry.isReady) this.#grant(worker, id, entry, Math.floor(entry.free / 2));
    }
  }

  #mostFree(): [string, InstanceEntry] | undefined {
    let most: [string, InstanceEntry] | undefined;
    for (const each of this.#instances) {
      const { isReady, free } = each[1];
      if (isReady && free > (most?.[1].free ?? 0)) most = each;
    }
    return most;
  }

  #grantShare(worker: number, id: string, entry: InstanceEntry): void {
    const share = Math.floor(entry.concurrency / this.#options.workers);
    const missing = share - (entry.byWorker.get(worker) ?? 0);
    this.#grant(worker, id, entry, Math.min(Math.max(0, missing), entry.free));
  }

  #grant(worker: number, id: string, entry: InstanceEntry, count: number): void {
    if (count === 0) return;
    entry.free -= count;
    entry.byWorker.set(worker, (entry.byWorker.get(worker) ?? 0) + count);
    const grantee = this.#workers.get(worker)!;
    grantee.granted.set(id, (grantee.granted.get(id) ?? 0) + count);
    grantee.onTheWay += count;
  }

  /** What the others still need, if the worker does not know it. */
  #wantedNews(worker: number, { toldWanted }: WorkerEntry): Waiting | undefined {
    let calls = 0;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const [other, entry] of this.#workers) {
      if (other === worker || unmet(entry) === 0) continue;
      calls += unmet(entry);
      sinceMs = Math.min(sinceMs, entry.waiting.sinceMs);
    }
    if (calls === 0) return toldWanted.calls === 0 ? undefined : { calls, sinceMs: 0 };
    return calls === toldWanted.calls && sinceMs === toldWanted.sinceMs ? undefined : { calls, sinceMs };
  }

  #waitingNews(worker: number, { toldWaiting }: WorkerEntry): number | undefined {
    let calls = 0;
    for (const [other, { waiting }] of this.#workers) if (other !== worker) calls += waiting.calls;
    const step = Math.ceil(this.#options.waitingCalls * WAITING_STEP);
    const isNews = Math.abs(calls - toldWaiting) >= step || (calls === 0 && toldWaiting > 0);
    return isNews ? calls : undefined;
  }

  #forgetIfGone(id: string, { isReady, free, concurrency }: InstanceEntry): void {
    if (!isReady && free === concurrency) this.#instances.delete(id);
  }
}

/** Calls that wait and have no slot on its way to them. */
function unmet({ waiting, onTheWay }: WorkerEntry): number {
  return Math.max(0, waiting.calls - onTheWay);
}

function newEntry(concurrency: number): InstanceEntry {
  return { concurrency, byWorker: new Map(), free: concurrency, isReady: false };
}
