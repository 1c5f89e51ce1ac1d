import assert from "node:assert/strict";
import { toEvict } from "../../../../platform/local/budget/memory-budget.ts";

describe("the instances to stop for others", () => {
  const idle = (name: string, idleForMs: number, usedMiB = 10, isKept = false) => ({
    name,
    idleForMs,
    usedMiB,
    isKept,
  });
  const names = (shortMiB: number, ...instances: ReturnType<typeof idle>[]) =>
    toEvict(shortMiB, instances).map(({ name }) => name);

  it("are none when nothing is short", () => {
    assert.deepEqual(names(0, idle("a", 9)), []);
    assert.deepEqual(names(-5, idle("a", 9)), []);
  });

  it("are those that have been idle longest, as many as it takes", () => {
    const instances = [idle("a", 1), idle("b", 3), idle("c", 2), idle("d", 4)];
    assert.deepEqual(names(5, ...instances), ["d"]);
    assert.deepEqual(names(20, ...instances), ["d", "b"]);
    assert.deepEqual(names(21, ...instances), ["d", "b", "c"]);
    assert.deepEqual(names(1_000, ...instances), ["d", "b", "c", "a"]);
  });

  it("are those that min keeps only when the others are too few", () => {
    const instances = [idle("kept", 100, 50, true), idle("a", 1), idle("b", 2)];
    assert.deepEqual(names(20, ...instances), ["b", "a"]);
    assert.deepEqual(names(21, ...instances), ["b", "a", "kept"]);
  });

  it("are the larger ones of those that are idle for the same time", () => {
    assert.deepEqual(names(5, idle("small", 1, 5), idle("large", 1, 50)), ["large"]);
  });
});
