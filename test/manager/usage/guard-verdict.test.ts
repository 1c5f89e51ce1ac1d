import assert from "node:assert/strict";
import { type Compared, judge } from "../../../manager/usage/guard-verdict.ts";
import { boundsOf, USAGE_BUCKETS } from "../../../platform/usage/durations.ts";

/** Calls of which some failed, all of one duration. */
function calls(count: number, errors: number, durationMs = 10): Compared {
  const durations: number[] = new Array(USAGE_BUCKETS.count).fill(0);
  durations[durations.findIndex((_, bucket) => durationMs <= boundsOf(bucket).toMs)] = count;
  return { calls: count, errors, durations };
}

describe("the verdict of a guard", () => {
  const guard = { errorRate: 0.05, slowdown: 2, calls: 100 };

  it("waits for the calls that it compares", () => {
    assert.equal(judge(guard, calls(99, 0), calls(1_000, 0)).is, "wait");
    assert.equal(judge(guard, calls(100, 0), calls(1_000, 0)).is, "pass");
  });

  it("compares the error rates, and is clear early where the rest cannot help", () => {
    assert.equal(judge(guard, calls(100, 5), calls(1_000, 0)).is, "pass");
    const failed = judge(guard, calls(10, 6), calls(1_000, 0));
    assert.deepEqual(failed, {
      is: "fail",
      reason: "6 of its 10 calls failed, and 0 % of those of the other versions (errorRate 0.05)",
    });
    assert.equal(judge(guard, calls(100, 14), calls(1_000, 100)).is, "pass");
    assert.equal(judge(guard, calls(100, 16), calls(1_000, 100)).is, "fail");
    assert.equal(judge({ slowdown: 2, calls: 100 }, calls(100, 100), calls(1_000, 0)).is, "pass");
  });

  it("compares the 95th percentiles after all calls", () => {
    assert.equal(judge(guard, calls(99, 0, 500), calls(1_000, 0, 10)).is, "wait");
    const failed = judge(guard, calls(100, 0, 30), calls(1_000, 0, 10));
    assert.ok(failed.is === "fail");
    assert.match(failed.reason, /^its 95th percentile is \d+ ms, and (9|1[01])(\.\d)? ms for the other/);
    assert.equal(judge(guard, calls(100, 0, 16), calls(1_000, 0, 10)).is, "pass");
    assert.equal(judge({ errorRate: 0.05, calls: 100 }, calls(100, 0, 500), calls(1_000, 0, 10)).is, "pass");
    assert.equal(judge(guard, calls(100, 0, 500), calls(19, 0, 10)).is, "pass", "too little to compare with");
  });
});
