import assert from "node:assert/strict";
import type { Traffic } from "../../platform/platform.ts";
import { chooseSticky } from "../../platform/sticky.ts";

const CALLERS = Array.from({ length: 10_000 }, (_, index) => `caller-${index}`);

describe("the version of a caller that stays", () => {
  const traffic = (weights: Readonly<Record<number, number>>): Traffic =>
    Object.entries(weights).map(([version, weight]) => ({ version: Number(version), weight }));
  const choose = (weights: Readonly<Record<number, number>>) => {
    const shares = traffic(weights);
    return CALLERS.map((caller) => chooseSticky(shares, caller));
  };
  const share = (chosen: readonly (number | undefined)[], version: number) =>
    chosen.filter((each) => each === version).length / chosen.length;

  it("is chosen by weight", () => {
    for (const weights of [{ 3: 90, 4: 10 }, { 3: 1, 4: 1 }, { 1: 70, 2: 20, 7: 10 }, { 5: 1 }]) {
      const chosen = choose(weights);
      const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
      for (const [version, weight] of Object.entries(weights)) {
        const got = share(chosen, Number(version));
        assert.ok(
          Math.abs(got - weight / sum) < 0.015,
          `version ${version} has ${got} of ${JSON.stringify(weights)}`,
        );
      }
    }
  });

  it("changes only for callers that must move, and never back", () => {
    let before = choose({ 3: 100 });
    for (const percent of [1, 5, 10, 25, 50, 75, 99]) {
      const now = choose({ 3: 100 - percent, 4: percent });
      for (const [index, version] of now.entries()) {
        if (before[index] === 4) assert.equal(version, 4, CALLERS[index]);
      }
      before = now;
    }
    assert.ok(choose({ 4: 1 }).every((version) => version === 4));
  });

  it("does not depend on the scale of the weights or the order of the versions", () => {
    assert.deepEqual(choose({ 3: 9, 4: 1 }), choose({ 3: 900_000, 4: 100_000 }));
    const turned = traffic({ 3: 9, 4: 1 }).toReversed();
    assert.deepEqual(
      choose({ 3: 9, 4: 1 }),
      CALLERS.map((caller) => chooseSticky(turned, caller)),
    );
  });

  it("moves as many callers to a third version as that has of the weight", () => {
    const before = choose({ 1: 50, 2: 50 });
    const now = choose({ 1: 45, 2: 45, 3: 10 });
    const moved = now.filter((version, index) => version !== before[index]);
    assert.ok(moved.every((version) => version === 3));
    assert.ok(Math.abs(moved.length / CALLERS.length - 0.1) < 0.015, `${moved.length} moved`);
  });

  it("is there for any text", () => {
    for (const value of ["", "ü€😀", "x".repeat(30_000)]) {
      assert.ok([1, 2].includes(chooseSticky(traffic({ 1: 1, 2: 1 }), value)!));
    }
    assert.equal(chooseSticky([], "a"), undefined);
  });
});
