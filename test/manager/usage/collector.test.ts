import assert from "node:assert/strict";
import { Collector, type CollectorOptions } from "../../../manager/usage/collector.ts";
import { usageRows } from "../../../manager/usage/usage-rows.ts";
import type { Counted, CountedBatch, RouterOrders, RouterReport } from "../../../platform/usage/exchange.ts";
import type { MonthlyCalls, UsageBatch } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";

const USE = { calls: 2, errors: 1, gbSeconds: 0.5, bytesOut: 10 };
const COUNTED: Counted = {
  function: "f",
  version: 1,
  calls: 2,
  errors: 1,
  durations: [2],
  keys: { "": USE },
};
const NOW_MS = Date.parse("2026-11-29T14:34:56.789Z");

function batch(sequence: number, more: Partial<CountedBatch> = {}): CountedBatch {
  return { sequence, atMs: NOW_MS, counts: [COUNTED], failures: [], failuresLost: 0, ...more };
}

/** A router that keeps what is not stored, as the real one does. */
class FakeRouter {
  batches: CountedBatch[] = [];
  orders: RouterOrders = {};
  demands: RouterReport["demands"] = {};
  isSilent = false;
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  exchange(orders: RouterOrders): RouterReport[] {
    this.orders = orders;
    if (this.isSilent) return [];
    const { seen = 0, stored = 0 } = orders[this.source] ?? {};
    this.batches = this.batches.filter(({ sequence }) => sequence > stored);
    return [
      {
        source: this.source,
        batches: this.batches.filter(({ sequence }) => sequence > seen),
        demands: this.demands,
      },
    ];
  }
}

class FakeLedger {
  readonly stored: UsageBatch[] = [];
  error: Error | undefined;
  monthly: MonthlyCalls = { functions: {}, keys: {} };

  async month(): Promise<MonthlyCalls> {
    if (this.error) throw this.error;
    return this.monthly;
  }

  async add(batches: readonly UsageBatch[]): Promise<void> {
    if (this.error) throw this.error;
    this.stored.push(...batches);
  }
}

describe("manager: the collector of usage", () => {
  let ledger: FakeLedger;
  let routers: FakeRouter[];
  let lines: string[];
  let counted: Counted[];
  let collector: Collector | undefined;
  beforeEach(() => {
    ledger = new FakeLedger();
    routers = [new FakeRouter("a"), new FakeRouter("b")];
    lines = [];
    counted = [];
  });
  afterEach(() => collector?.close());

  function start(options: Partial<CollectorOptions> = {}): void {
    collector = new Collector({
      exchange: async (orders) => routers.flatMap((router) => router.exchange(orders)),
      ledger,
      onCounted: (each) => counted.push(each),
      print: (line) => lines.push(line),
      everyMs: 5,
      ...options,
    });
  }

  const names = () => ledger.stored.map(({ source, sequence }) => `${source}${sequence}`);

  it("takes each batch once, stores it, and lets the router drop it then", async () => {
    routers[0]!.batches.push(batch(1), batch(2));
    start();
    await eventually("stored", () => ledger.stored.length === 2);
    routers[1]!.batches.push(batch(1));
    await eventually("all dropped", () => routers.every(({ batches }) => batches.length === 0));
    assert.deepEqual(names(), ["a1", "a2", "b1"]);
    assert.equal(counted.length, 3);
    const { seen, stored } = routers[0]!.orders.a!;
    assert.deepEqual([seen, stored], [2, 2]);
  });

  it("stores what was counted until it closes", async () => {
    start({ everyMs: 60_000 });
    await eventually("asked once", () => Object.keys(routers[0]!.orders).length >= 0);
    routers[0]!.batches.push(batch(1));
    await collector!.close();
    assert.deepEqual(names(), ["a1"]);
  });

  it("keeps everything while the store is away, and prints one line about it", async () => {
    ledger.error = new Error("no database");
    routers[0]!.batches.push(batch(1));
    start();
    await eventually("a line", () => lines.length > 0);
    routers[0]!.batches.push(batch(2));
    await eventually("seen", () => routers[0]!.orders.a?.seen === 2);
    assert.deepEqual(routers[0]!.batches.length, 2);
    ledger.error = undefined;
    await eventually("stored", () => ledger.stored.length === 2);
    assert.deepEqual(names(), ["a1", "a2"]);
    assert.deepEqual(lines, ["usage cannot be stored and is kept in memory: no database"]);
  });

  it("lets routers drop what nobody stores", async () => {
    routers[0]!.batches.push(batch(1));
    start({ ledger: undefined });
    await eventually("dropped", () => routers[0]!.batches.length === 0);
    assert.equal(counted.length, 1);
  });

  it("sends each router the calls of the month that it lacks", async () => {
    ledger.monthly = { functions: { f: 5, g: 1 }, keys: {} };
    const known = routers.map(() => new Map<string, number>());
    const wholes: object[] = [];
    start({
      exchange: async (orders) => {
        for (const [index, { source, isSilent }] of routers.entries()) {
          const { used, usedSince } = orders[source] ?? {};
          if (isSilent) continue;
          if (used !== undefined) wholes.push(used);
          for (const [name, calls] of Object.entries({ ...used, ...usedSince }))
            known[index]!.set(name, calls);
        }
        return routers.flatMap((router) => router.exchange(orders));
      },
    });
    const at = (index: number) => [...known[index]!].map(([name, calls]) => `${name} ${calls}`).sort();
    const atMs = Date.now();
    routers[0]!.batches.push(batch(1, { atMs }));
    await eventually("both know", () => [0, 1].every((i) => at(i).join() === "function f 7,function g 1"));
    routers[1]!.isSilent = true;
    routers[0]!.batches.push(batch(2, { atMs }));
    await eventually("one knows", () => at(0)[0] === "function f 9");
    assert.equal(at(1)[0], "function f 7");
    routers[1]!.isSilent = false;
    await eventually("the other one knows", () => at(1)[0] === "function f 9");
    assert.equal(wholes.length, 2, "each got everything once");
  });

  it("goes on after an exchange that failed", async () => {
    let fails = true;
    start({
      exchange: async (orders) => {
        if (fails) throw new Error("no routers");
        return routers.flatMap((router) => router.exchange(orders));
      },
    });
    await eventually("a line", () => lines.length > 0);
    fails = false;
    routers[0]!.batches.push(batch(1));
    await eventually("stored", () => ledger.stored.length === 1);
    assert.deepEqual(lines, ["usage cannot be collected: no routers"]);
  });
});

describe("manager: rows of usage", () => {
  it("are of the hour and the minute in which their batch ends", () => {
    const counts = [{ ...COUNTED, keys: { "": USE, k1: USE } }];
    const rows = usageRows("a", batch(7, { counts }));
    const hour = new Date("2026-11-29T14:00:00Z");
    const { keys: _, ...minute } = COUNTED;
    assert.deepEqual(rows, {
      source: "a",
      sequence: 7,
      hours: ["", "k1"].map((key) => ({ hour, function: "f", version: 1, key, ...USE })),
      minutes: [{ minute: new Date("2026-11-29T14:34:00Z"), ...minute }],
      keys: [{ key: "k1", usedAt: new Date(NOW_MS) }],
    });
  });
});
