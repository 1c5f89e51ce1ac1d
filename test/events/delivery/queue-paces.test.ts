import assert from "node:assert/strict";
import { QueuePaces } from "../../../events/delivery/queue-paces.ts";

describe("the pace of a queue", () => {
  let paces: QueuePaces;
  beforeEach(() => {
    paces = new QueuePaces(32);
  });
  const refuse = (nowMs: number, { running = 32, retryAfterMs = 0 } = {}) => {
    return paces.refused("fn/slow", { running, retryAfterMs, nowMs });
  };

  it("is full without refusals", () => {
    assert.deepEqual([[...paces.limits()], paces.paused(0), paces.nextEndMs(0)], [[], [], undefined]);
  });

  it("halves and pauses at a refusal, once for calls that were sent together", () => {
    assert.equal(refuse(1_000), 250);
    assert.equal(refuse(1_010), 240);
    assert.deepEqual([...paces.limits()], [["fn/slow", 16]]);
    assert.deepEqual(paces.paused(1_249), ["fn/slow"]);
    assert.equal(paces.nextEndMs(1_249), 1);
    assert.deepEqual([paces.paused(1_250), paces.nextEndMs(1_250)], [[], undefined]);
  });

  it("pauses twice as long each time, up to 30 s, until a call is answered", () => {
    const pauses: number[] = [];
    let now = 0;
    for (let i = 0; i < 9; i++) {
      const pauseMs = refuse(now);
      pauses.push(pauseMs);
      now += pauseMs;
    }
    assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert.deepEqual([...paces.limits()], [["fn/slow", 1]]);
    paces.answered("fn/slow");
    assert.equal(refuse(now), 250);
  });

  it("obeys the time of the router up to 30 s", () => {
    assert.equal(refuse(0, { retryAfterMs: 2_000 }), 2_000);
    assert.equal(refuse(2_000, { retryAfterMs: 3_600_000 }), 30_000);
  });

  it("grows by one with each answer, until it is full", () => {
    refuse(0, { running: 60 });
    for (let i = 0; i < 15; i++) paces.answered("fn/slow");
    assert.deepEqual([...paces.limits()], [["fn/slow", 31]]);
    paces.answered("fn/slow");
    assert.deepEqual([...paces.limits()], []);
    paces.answered("fn/other");
  });
});
