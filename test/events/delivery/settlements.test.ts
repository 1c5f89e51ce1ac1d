import assert from "node:assert/strict";
import { Settlements } from "../../../events/delivery/settlements.ts";
import type { Calls, Settlement } from "../../../store/calls.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";

type Settle = Calls["settle"];

describe("the ends of attempts", () => {
  const lines: string[] = [];
  const batches: string[][] = [];
  beforeEach(() => {
    lines.length = 0;
    batches.length = 0;
  });
  const settlement = (id: string, more: Partial<Settlement> = {}): Settlement => {
    return { id, owner: "w", epoch: 1, outcome: { state: "done" }, ...more };
  };
  const created = (settle: Settle) => {
    const recorded: Settle = (settlements, now) => {
      batches.push(settlements.map(({ id }) => id));
      return settle(settlements, now);
    };
    return new Settlements({
      calls: { settle: recorded },
      now: () => 7,
      print: (line) => void lines.push(line),
    });
  };

  it("that come while others are being stored are one transaction", async () => {
    const release = Promise.withResolvers<void>();
    const settlements = created(async (all) => {
      await release.promise;
      return all.map(({ id }) => id !== "c");
    });
    const ends = ["a", "b", "c", "d"].map((id) => settlements.settle(settlement(id)));
    release.resolve();
    assert.deepEqual(await Promise.all(ends), [true, true, false, true]);
    assert.deepEqual(batches, [["a"], ["b", "c", "d"]]);
  });

  it("are kept while the store is away, in one line for an outage", async () => {
    let left = 3;
    const settlements = created(async (all) => {
      if (left-- > 0) throw storeUnavailable("it is stopped");
      return all.map(() => true);
    });
    assert.equal(await settlements.settle(settlement("a")), true);
    assert.equal(batches.length, 4);
    assert.equal(lines.length, 1);
  });

  it("do not keep each other from being stored", async () => {
    const release = Promise.withResolvers<void>();
    const stored: Settlement[] = [];
    const settlements = created(async (all) => {
      await release.promise;
      if (all.some(({ outcome }) => "answer" in outcome)) throw new Error("the body is gone");
      stored.push(...all);
      return all.map(() => true);
    });
    const answer = { status: 200, headers: [], body: { id: "1", bytes: 70_000 }, isCut: false };
    const bad = { outcome: { state: "done", answer } } as const;
    const ends = [
      settlements.settle(settlement("a")),
      settlements.settle(settlement("b", bad)),
      settlements.settle(settlement("c", { ...bad, calls: [] })),
      settlements.settle(settlement("d")),
    ];
    release.resolve();
    assert.deepEqual(await Promise.all(ends), [true, true, true, true]);
    const outcomes = Object.fromEntries(stored.map(({ id, outcome }) => [id, outcome]));
    assert.deepEqual(outcomes, {
      ...{ a: { state: "done" }, b: { state: "done" }, d: { state: "done" } },
      c: { state: "dead", reason: "Its outcome could not be stored: the body is gone" },
    });
    assert.match(lines.join("\n"), /the call b cannot be stored: the body is gone/);
  });

  it("are given up when the worker stops", async () => {
    const settlements = created(() => Promise.reject(storeUnavailable("it is stopped")));
    const ends = [settlements.settle(settlement("a")), settlements.settle(settlement("b"))];
    await eventually("it was tried", () => batches.length > 0);
    settlements.close();
    assert.deepEqual(await Promise.all(ends), [false, false]);
    assert.equal(await settlements.settle(settlement("c")), false);
  });
});
