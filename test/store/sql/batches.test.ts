import assert from "node:assert/strict";
import { Batches } from "../../../store/sql/batches.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";

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

  it("fail together, once, when the store is away", async () => {
    const batches = opened(1);
    const settled = Promise.allSettled(["a", "b"].map((item) => batches.add(item)));
    await started(1);
    running[0]!.end.reject(storeUnavailable("it is stopped"));
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.equal(running.length, 1);
  });
});
