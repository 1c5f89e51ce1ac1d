import assert from "node:assert/strict";
import { mergeStats, mergeTotals } from "../../../router/metrics/merge-stats.ts";
import { DURATION_BUCKETS_MS, type FunctionStats } from "../../../router/metrics/stats.ts";

const counts = [...DURATION_BUCKETS_MS, 0].map((_, index) => index);
const ONE: FunctionStats = {
  name: "hello",
  inFlight: 1,
  waiting: 2,
  ready: 3,
  versions: { 1: [0, 0, 5, 0, 0, 1] },
  abandoned: 4,
  refused: { no_capacity: 1 },
  retries: 2,
  waitedS: 100,
  coldStarts: 1,
  wakeStepS: { start: 40 },
  durationSumMs: 1_000,
  durationCounts: counts,
};
const OTHER: FunctionStats = {
  ...ONE,
  ready: 2,
  versions: { 2: [0, 0, 5, 0, 0, 1] },
  refused: { no_capacity: 2, call_timeout: 1 },
};

describe("the stats of several routers", () => {
  it("are added up by function, but for the instances, which all of them see", () => {
    assert.deepEqual(mergeStats([[ONE], [OTHER, { ...ONE, name: "other" }], []]), [
      {
        name: "hello",
        inFlight: 2,
        waiting: 4,
        ready: 3,
        versions: { 1: [0, 0, 5, 0, 0, 1], 2: [0, 0, 5, 0, 0, 1] },
        abandoned: 8,
        refused: { no_capacity: 3, call_timeout: 1 },
        retries: 4,
        waitedS: 200,
        coldStarts: 2,
        wakeStepS: { start: 80 },
        durationSumMs: 2_000,
        durationCounts: counts.map((count) => 2 * count),
      },
      { ...ONE, name: "other" },
    ]);
  });

  it("have the misses of a pool added up, and the instances of the one that sees most", () => {
    const pools = [{ unused: 1, misses: 4 }, undefined, { unused: 3, misses: 2 }];
    const parts = pools.map((pool) => [pool === undefined ? ONE : { ...ONE, pool }]);
    assert.deepEqual(mergeStats(parts)[0]?.pool, { unused: 3, misses: 6 });
  });

  it("go between processes as they are", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(ONE)), ONE);
    assert.deepEqual(structuredClone(ONE), ONE);
  });

  it("have totals that are added up too", () => {
    const totals = { unrouted: { draining: 1 }, logLinesDropped: 2, spansDropped: 3 };
    const other = { ...totals, unrouted: { unknown_function: 1, draining: 1 } };
    assert.deepEqual(mergeTotals([totals, other]), {
      unrouted: { unknown_function: 1, draining: 2 },
      logLinesDropped: 4,
      spansDropped: 6,
    });
    assert.deepEqual(mergeTotals([]), { unrouted: {}, logLinesDropped: 0, spansDropped: 0 });
  });
});
