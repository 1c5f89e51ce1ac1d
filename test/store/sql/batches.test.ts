import assert from "node:assert/strict";
import { Batches } from "../../../store/sql/batches.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";

const UNAVAILABLE = { code: "store_unavailable" };

describe("batches of a store", () => {
  /** Transactions under way, each with what ends it. */
  const running: { items: readonly string[]; lane: number; end: PromiseWithResolvers<void> }[] = [];
  const opened = (lanes: number) => {
    running.length = 0;
    const run = async (items: readonly string[], lane: number) => {
      const end = Promise.withResolvers<void>();
      running.push({ items, lane, end });
      await end.promise;
      if (items.includes("bad")) throw new Error("no such body");
      return items.map((item) => item.toUpperCase());
    };
    return new Batches({ run, lanes, most: 3 });
  };
  const started = (count: number) => eventually(`${count} began`, () => running.length === count);

  it("gather what comes while a transaction runs", async () => {
    const batches = opened(1);
    const first = batches.add("a");
    await started(1);
    const others = ["b", "c", "d", "e"].map((item) => batches.add(item));
    running[0]!.end.resolve();
    await started(2);
    running[1]!.end.resolve();
    await started(3);
    running[2]!.end.resolve();
    assert.deepEqual(await Promise.all([first, ...others]), ["A", "B", "C", "D", "E"]);
    assert.deepEqual(
      running.map(({ items }) => items),
      [["a"], ["b", "c", "d"], ["e"]],
    );
  });

  it("run as many at a time as there are lanes", async () => {
    const batches = opened(2);
    const all = ["a", "b", "c", "d", "e", "f", "g"].map((item) => batches.add(item));
    await started(2);
    assert.equal(new Set(running.map(({ lane }) => lane)).size, 2);
    running[1]!.end.resolve();
    await started(3);
    assert.equal(running[2]!.lane, running[1]!.lane);
    for (const { end } of running) end.resolve();
    assert.equal((await Promise.all(all)).length, 7);
  });

  it("run items alone after one of them failed, which fails no other", async () => {
    const batches = opened(1);
    const all = ["a", "bad", "b"].map((item) => batches.add(item));
    const settled = Promise.allSettled(all);
    for (let count = 1; count <= 4; count++) {
      await started(count);
      running[count - 1]!.end.resolve();
    }
    const [a, bad, b] = await settled;
    assert.deepEqual(
      [a, b],
      [
        { status: "fulfilled", value: "A" },
        { status: "fulfilled", value: "B" },
      ],
    );
    assert.match(String((bad as PromiseRejectedResult).reason), /no such body/);
    const next = batches.add("c");
    await started(5);
    running[4]!.end.resolve();
    assert.equal(await next, "C");
  });

  it("reject what waits together with the batch that found the store away", async () => {
    const answer = Promise.withResolvers<never>();
    const runs: number[] = [];
    const run = async (items: readonly number[]) => {
      runs.push(items.length);
      return runs.length === 1 ? await answer.promise : items;
    };
    const batches = new Batches<number, number>({ run, lanes: 1, most: 2 });
    const added = [1, 2, 3, 4, 5, 6].map((item) => batches.add(item));
    const all = Promise.allSettled(added);
    await new Promise(setImmediate);
    answer.reject(storeUnavailable("it does not answer"));
    for (const outcome of await all) {
      assert.equal(outcome.status, "rejected");
      assert.equal(outcome.reason.code, "store_unavailable");
    }
    assert.deepEqual(runs, [2]);
    assert.equal(await batches.add(7), 7);
  });

  it("let what waits run when a batch failed for itself", async () => {
    const run = async (items: readonly number[]) => {
      if (items.includes(1)) throw new Error("1 is wrong");
      return items;
    };
    const batches = new Batches<number, number>({ run, lanes: 1, most: 2 });
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => batches.add(item)));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "fulfilled", "fulfilled"],
    );
  });

  /** Transactions that all end with `answer`. */
  const held = () => {
    const answer = Promise.withResolvers<void>();
    const run = async (items: readonly number[]) => {
      await answer.promise;
      return items;
    };
    return { run, answer };
  };

  it("take no more than 4,096 that wait", async () => {
    const { run, answer } = held();
    const batches = new Batches<number, number>({ run, lanes: 1, most: 1 });
    const first = batches.add(0);
    await new Promise(setImmediate);
    const waiting = Array.from({ length: 4_096 }, (_, item) => batches.add(item));
    await assert.rejects(batches.add(0), UNAVAILABLE);
    answer.resolve();
    await Promise.all([first, ...waiting]);
  });

  it("let none wait for longer than the store may take", async () => {
    const { run, answer } = held();
    const batches = new Batches<number, number>({ run, lanes: 1, most: 1, waitMs: 30 });
    const first = batches.add(1);
    await new Promise(setImmediate);
    const isLate = { ...UNAVAILABLE, detail: /it did not get to the request within 0\.03 s/ };
    await Promise.all([2, 3].map((item) => assert.rejects(batches.add(item), isLate)));
    const next = batches.add(4);
    answer.resolve();
    assert.deepEqual(await Promise.all([first, next]), [1, 4]);
  });
});
