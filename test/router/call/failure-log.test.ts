import assert from "node:assert/strict";
import { FailureLog } from "../../../router/call/failure-log.ts";

describe("the line of a failed call", () => {
  let lines: string[];
  let log: FailureLog;
  beforeEach(() => {
    lines = [];
    log = new FailureLog((line) => lines.push(line));
  });

  it("is one line without control characters, whatever it is made of", () => {
    log.print("GET /\u001b[2J\r\nfake\u009b31m\u2028x\u202ey\u200ez\u0007 failed");
    assert.deepEqual(lines, ["GET / [2J fake 31m x y z failed"]);
  });

  it("is printed at most ten times a second", () => {
    for (let i = 0; i < 1_000; i++) log.print(`failed ${i}`, i);
    assert.deepEqual(
      lines,
      Array.from({ length: 10 }, (_, i) => `failed ${i}`),
    );
  });

  it("counts the failures that were not printed since the line before, once", () => {
    for (let i = 0; i < 1_000; i++) log.print("failed", i);
    log.print("late", 1_000);
    log.print("later", 1_001);
    assert.deepEqual(lines.slice(10), ["late (and 990 more failures before)", "later"]);
  });
});
