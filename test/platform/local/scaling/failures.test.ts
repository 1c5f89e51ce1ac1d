import assert from "node:assert/strict";
import { backoffMs, type Failure, Failures } from "../../../../platform/local/scaling/failures.ts";

describe("the back-off", () => {
  it("is nothing after the first failure, doubles after the second, and has an end", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map(backoffMs),
      [0, 0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
    );
  });
});

const failure = (message: string): Failure => ({ at: new Date(0), message });

describe("the failures of a version", () => {
  let list: Failure[];
  let failures: Failures;
  beforeEach(() => {
    list = [];
    failures = new Failures(list);
  });

  it("of instances that crash together count once, and of an instance that replaced one again", () => {
    failures.add(failure("first"), 1_000, { readyAtMs: 10 });
    failures.add(failure("second"), 1_001, { readyAtMs: 20 });
    failures.add(failure("third"), 1_002, { readyAtMs: 1_000 });
    assert.equal(failures.waitMs(1_002), 0);
    assert.equal(list.length, 3);
    failures.add(failure("fourth"), 2_000, { readyAtMs: 1_500 });
    assert.equal(failures.waitMs(2_000), 200);
    failures.add(failure("did not start"), 2_001);
    assert.equal(failures.waitMs(2_001), 400);
  });

  it("say when the next start is due, and why", () => {
    assert.equal(failures.waitMs(0), 0);
    failures.add(failure("first"), 1_000);
    assert.equal(failures.waitMs(1_000), 0);
    assert.equal(failures.describe(1_000), undefined);
    failures.add(failure("second"), 1_000);
    assert.equal(failures.waitMs(1_050), 150);
    assert.equal(
      failures.describe(1_050),
      "It failed 2 times in a row. The next start is in 150 ms. Last failure: second",
    );
    assert.equal(failures.waitMs(1_200), 0);
  });

  it("are kept after a reset of the back-off", () => {
    for (let i = 0; i < 5; i++) failures.add(failure(`failure ${i}`), 0);
    failures.reset();
    assert.equal(failures.waitMs(0), 0);
    failures.add(failure("again"), 0);
    assert.equal(failures.waitMs(0), 0);
    assert.equal(list.length, 6);
  });

  it("are remembered up to ten of all versions, the newest last", () => {
    const other = new Failures(list);
    for (let i = 1; i <= 12; i++) (i % 2 === 0 ? failures : other).add(failure(String(i)), i);
    assert.deepEqual([list.length, list[0]?.message, list.at(-1)], [10, "3", failure("12")]);
  });

  it("are answered with the time to come back, and with the cause if it is the disk", () => {
    for (let i = 0; i < 7; i++) failures.add(failure("broke"), 0);
    const problem = failures.problem("f", 100);
    assert.equal(problem.code, "no_capacity");
    assert.equal(problem.extensions.retryAfterS, 7);
    assert.match(
      problem.detail,
      /^The function "f" does not start; its log has the reason\. Try again in 7 s\.$/,
    );
    failures.add(failure("broke"), 0, {
      cause: Object.assign(new Error("no space left"), { code: "ENOSPC" }),
    });
    assert.match(failures.problem("f", 0).detail, /the disk is full/);
  });
});
