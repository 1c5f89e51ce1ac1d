import { randomUUID } from "node:crypto";
import type {
  Counted,
  CountedBatch,
  FailedCall,
  RouterOrders,
  RouterReport,
  TracedCall,
} from "../../platform/usage/exchange.ts";
import type { UsageTarget, VersionUsage } from "../metrics/stats.ts";
import type { GateOwner } from "../quota/gate.ts";
import type { Gates } from "../quota/gates.ts";

/** Most batches that wait to be stored, a minute's worth. Later calls are counted in the batch after them. */
const MOST_BATCHES = 256;
/** Most failed calls that wait for the collector. */
const MOST_FAILURES = 5_000;
/** Most calls of a batch whose times are passed on; a function that always fails would fill the store. */
const MOST_TRACED = 25;

/** What a router has counted and the collector of usage has not stored. */
export class UsageSheet implements UsageTarget {
  readonly source = randomUUID();
  readonly touched: VersionUsage[] = [];
  readonly #gates: Gates;
  readonly #clock: () => number;
  /** In order of sequence. */
  #batches: CountedBatch[] = [];
  #sequence = 0;
  /** The last batch that the collector has. */
  #seen = 0;
  #failures: FailedCall[] = [];
  #failuresLost = 0;
  #traced: TracedCall[] = [];

  /** @param clock milliseconds since 1970 */
  constructor(gates: Gates, clock: () => number = Date.now) {
    this.#gates = gates;
    this.#clock = clock;
    gates.uncollected = (owner) => this.#uncollected(owner);
  }

  readonly fail = (call: Omit<FailedCall, "atMs">): void => {
    if (this.#failures.length < MOST_FAILURES) this.#failures.push({ ...call, atMs: this.#clock() });
    else this.#failuresLost++;
  };

  readonly trace = (call: Omit<TracedCall, "atMs">): void => {
    if (this.#traced.length < MOST_TRACED) this.#traced.push({ ...call, atMs: this.#clock() });
  };

  /** Applies what the collector has, and returns the batches that it has not seen. */
  report(orders: RouterOrders): RouterReport {
    const order = orders[this.source];
    const { seen, stored } = order ?? { seen: 0, stored: 0 };
    const nowMs = performance.now();
    if (order !== undefined) {
      this.#seen = seen;
      this.#gates.apply(order, nowMs);
    }
    this.#batches = this.#batches
      .filter(({ sequence }) => sequence > stored)
      .map((batch) => (batch.sequence > seen ? batch : withoutFailures(batch)));
    this.#take();
    const batches = this.#batches.filter(({ sequence }) => sequence > seen);
    return { source: this.source, batches, demands: this.#gates.report(nowMs) };
  }

  #uncollected({ kind, name }: GateOwner): number {
    const taken = this.#batches
      .filter(({ sequence }) => sequence > this.#seen)
      .flatMap(({ counts }) => counts);
    const ofKey = ({ keys }: Counted) => (Object.hasOwn(keys, name) ? keys[name]!.calls : 0);
    const ofFunction = (each: Counted) => (each.function === name ? each.calls : 0);
    const calls = taken.map(kind === "key" ? ofKey : ofFunction);
    for (const usage of this.touched) {
      if (kind === "key") calls.push(usage.callsWith(name));
      else if (usage.function === name) calls.push(usage.calls);
    }
    return calls.reduce((sum, each) => sum + each, 0);
  }

  #take(): void {
    const hasFailures = this.#failures.length > 0;
    if ((this.touched.length === 0 && !hasFailures) || this.#batches.length >= MOST_BATCHES) return;
    const counts = this.touched.splice(0).map((usage) => usage.take());
    const [failures, failuresLost, traced] = [this.#failures, this.#failuresLost, this.#traced];
    this.#failures = [];
    this.#traced = [];
    this.#failuresLost = 0;
    const atMs = this.#clock();
    const more = traced.length === 0 ? {} : { traced };
    this.#batches.push({ sequence: ++this.#sequence, atMs, counts, failures, failuresLost, ...more });
  }
}

function withoutFailures(batch: CountedBatch): CountedBatch {
  return batch.failures.length === 0 ? batch : { ...batch, failures: [], failuresLost: 0 };
}
