import assert from "node:assert/strict";
import { Batches } from "../../store/sql/batches.ts";
import { storeUnavailable } from "../../store/unavailable.ts";

const UNAVAILABLE = { code: "store_unavailable" };

describe("batches of requests to the store", () => {
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

  it("take no more than 4,096 that wait", async () => {
    const answer = Promise.withResolvers<void>();
    const run = async (items: readonly number[]) => {
      await answer.promise;
      return items;
    };
    const batches = new Batches<number, number>({ run, lanes: 1, most: 1 });
    const first = batches.add(0);
    await new Promise(setImmediate);
    const waiting = Array.from({ length: 4_096 }, (_, item) => batches.add(item));
    await assert.rejects(batches.add(0), UNAVAILABLE);
    answer.resolve();
    await Promise.all([first, ...waiting]);
  });

  it("let none wait for longer than the store may take", async () => {
    const answer = Promise.withResolvers<void>();
    const run = async (items: readonly number[]) => {
      await answer.promise;
      return items;
    };
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
