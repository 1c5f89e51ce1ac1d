import assert from "node:assert/strict";
import { addDurations, boundsOf, quantileMs, USAGE_BUCKETS } from "../../../platform/usage/durations.ts";

describe("durations of calls", () => {
  it("are in buckets without gaps, from nothing to no bound", () => {
    assert.equal(boundsOf(0).fromMs, 0);
    for (let i = 1; i < USAGE_BUCKETS.count; i++) assert.equal(boundsOf(i).fromMs, boundsOf(i - 1).toMs);
    assert.equal(boundsOf(USAGE_BUCKETS.count - 1).toMs, Infinity);
    assert.ok(boundsOf(USAGE_BUCKETS.count - 1).fromMs > 60_000);
  });

  it("give quantiles within 10 %", () => {
    const durations: number[] = new Array(USAGE_BUCKETS.count).fill(0);
    for (let ms = 1; ms <= 1_000; ms++) {
      durations[durations.findIndex((_, bucket) => ms <= boundsOf(bucket).toMs)]!++;
    }
    for (const [quantile, ms] of [
      [0.5, 500],
      [0.95, 950],
      [0.01, 10],
    ] as const) {
      const found = quantileMs(durations, quantile)!;
      assert.ok(Math.abs(found / ms - 1) <= 0.1, `${quantile}: ${found}`);
    }
    assert.equal(quantileMs([0, 0], 0.5), undefined);
    assert.equal(quantileMs([0, 0, 1], 1), quantileMs([0, 0, 1], 0));
  });

  it("are added up also when their numbers of buckets differ", () => {
    assert.deepEqual(addDurations([1, 2], [1, 0, 5]), [2, 2, 5]);
  });
});
