import assert from "node:assert/strict";
import { type Choosable, chooseBackend } from "../../../router/placement/choose-backend.ts";

function backend(used: number, { concurrency = 10, isAside = false, isDoubtful = false } = {}) {
  return {
    used,
    isAside,
    isDoubtful,
    get free() {
      return concurrency - this.used;
    },
  } satisfies Choosable;
}

describe("the choice of an instance", () => {
  it("is the one with the fewest calls of a few", () => {
    const ready = [backend(3), backend(1), backend(2)];
    assert.equal(chooseBackend(ready), ready[1]);
  });

  it("is none when all are full", () => {
    assert.equal(chooseBackend([backend(10), backend(10)]), undefined);
    assert.equal(chooseBackend(Array.from({ length: 50 }, () => backend(10))), undefined);
  });

  it("passes over one that refused, but not when it is the last", () => {
    const aside = backend(0, { isAside: true });
    const other = backend(5);
    assert.equal(chooseBackend([aside, other]), other);
    assert.equal(chooseBackend([aside]), aside);
  });

  it("waits for one that is full rather than to ask again one that refused", () => {
    assert.equal(chooseBackend([backend(0, { isAside: true }), backend(10)]), undefined);
  });

  it("sends nothing to one that may be about to end, even if it is the last", () => {
    const doubtful = backend(0, { isDoubtful: true });
    assert.equal(chooseBackend([doubtful]), undefined);
    assert.equal(chooseBackend(Array.from({ length: 50 }, () => doubtful)), undefined);
    const aside = backend(0, { isAside: true });
    assert.equal(chooseBackend([doubtful, aside]), aside);
  });

  it("asks again one that refused when nothing will become free on the others", () => {
    const aside = backend(0, { isAside: true });
    assert.equal(chooseBackend([aside, backend(0, { concurrency: 0 })]), aside);
  });

  it("finds the only free one of many", () => {
    const ready = Array.from({ length: 100 }, (_, i) => backend(i === 77 ? 9 : 10));
    for (let i = 0; i < 20; i++) assert.equal(chooseBackend(ready), ready[77]);
  });

  it("keeps many about as even as looking at each would", () => {
    const ready = Array.from({ length: 100 }, () => backend(0, { concurrency: 1_000 }));
    for (let i = 0; i < 10_000; i++) chooseBackend(ready)!.used++;
    const used = ready.map(({ used }) => used);
    assert.ok(
      Math.max(...used) <= 105 && Math.min(...used) >= 90,
      `${Math.min(...used)}–${Math.max(...used)}`,
    );
  });
});
