import assert from "node:assert/strict";
import { backoffMs } from "../../../../platform/local/scaling/backoff.ts";
import { type Failure, Failures } from "../../../../platform/local/scaling/failures.ts";

describe("the back-off", () => {
  it("is nothing after the first failure, doubles after the second, and has an end", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map(backoffMs),
      [0, 0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
    );
  });
});

const failure = (message: string): Failure => ({ at: new Date(0), message });

describe("the failures of a function", () => {
  it("say when the next start is due, and why", () => {
    const failures = new Failures();
    assert.equal(failures.waitMs(0), 0);
    failures.add(failure("first"), 1_000);
    assert.equal(failures.waitMs(1_000), 0);
    assert.equal(failures.describe(1_000), undefined);
    failures.add(failure("second"), 1_000);
    assert.equal(failures.waitMs(1_050), 150);
    assert.equal(
      failures.describe(1_050),
      "It broke 2 times in a row; the next start is in 150 ms. Last: second",
    );
    assert.equal(failures.waitMs(1_200), 0);
  });

  it("are forgiven, but not forgotten", () => {
    const failures = new Failures();
    for (let i = 0; i < 5; i++) failures.add(failure(`failure ${i}`), 0);
    failures.forgive();
    assert.equal(failures.waitMs(0), 0);
    failures.add(failure("again"), 0);
    assert.equal(failures.waitMs(0), 0);
    assert.equal(failures.errors.length, 6);
  });

  it("are remembered up to ten, the newest last", () => {
    const failures = new Failures();
    for (let i = 1; i <= 12; i++) failures.add(failure(String(i)), i);
    assert.deepEqual(
      [failures.errors.length, failures.errors[0]?.message, failures.errors.at(-1)],
      [10, "3", failure("12")],
    );
  });
});
