import assert from "node:assert/strict";
import { type Choosable, chooseInstance } from "../../../router/placement/choose-instance.ts";
import { seededRandom } from "../../support/seeded-random.ts";

function instance(used: number, { concurrency = 10, isDoubtful = false } = {}) {
  return {
    used,
    isDoubtful,
    get free() {
      return concurrency - this.used;
    },
  } satisfies Choosable;
}

describe("the choice of an instance", () => {
  it("is the one with the fewest calls of a few", () => {
    const ready = [instance(3), instance(1), instance(2)];
    assert.equal(chooseInstance(ready), ready[1]);
  });

  it("is none when all are full", () => {
    assert.equal(chooseInstance([instance(10), instance(10)]), undefined);
    assert.equal(chooseInstance(Array.from({ length: 50 }, () => instance(10))), undefined);
  });

  it("sends nothing to one that is in doubt, even if it is the last", () => {
    const doubtful = instance(0, { isDoubtful: true });
    const other = instance(5);
    assert.equal(chooseInstance([doubtful, other]), other);
    assert.equal(chooseInstance([doubtful]), undefined);
    assert.equal(chooseInstance(Array.from({ length: 50 }, () => doubtful)), undefined);
  });

  it("finds the only free one of many", () => {
    const ready = Array.from({ length: 100 }, (_, i) => instance(i === 77 ? 9 : 10));
    const random = seededRandom(1);
    for (let i = 0; i < 20; i++) assert.equal(chooseInstance(ready, random), ready[77]);
  });

  it("keeps many about as even as looking at each would", () => {
    const ready = Array.from({ length: 100 }, () => instance(0, { concurrency: 1_000 }));
    const random = seededRandom(1);
    for (let i = 0; i < 10_000; i++) chooseInstance(ready, random)!.used++;
    const used = ready.map(({ used }) => used);
    assert.ok(
      Math.max(...used) <= 105 && Math.min(...used) >= 90,
      `${Math.min(...used)}–${Math.max(...used)}`,
    );
  });
});
