import assert from "node:assert/strict";
import { LimitedLog } from "../../process/limited-log.ts";

describe("a limited log", () => {
  let lines: string[];
  let log: LimitedLog;
  beforeEach(() => {
    lines = [];
    log = new LimitedLog((line) => lines.push(line), { lines: 10, perMs: 1_000 });
  });

  it("prints one line without control characters, whatever clients and instances send", () => {
    log.print("GET /\u001b[2J\r\nfake\u009b31m\u2028x\u202ey\u200ez\u0007 failed");
    assert.deepEqual(lines, ["GET /\\x1b[2J\\r\\nfake\\x9b31m\\u2028x\\u202ey\\u200ez\\x07 failed"]);
  });

  it("prints as many lines as its limit allows", () => {
    for (let i = 0; i < 1_000; i++) log.print(`failed ${i}`, i);
    assert.deepEqual(
      lines,
      Array.from({ length: 10 }, (_, i) => `failed ${i}`),
    );
  });

  it("prints the number of those left out since the line before, once", () => {
    for (let i = 0; i < 1_000; i++) log.print("failed", i);
    log.print("late", 1_000);
    log.print("later", 1_001);
    assert.deepEqual(lines.slice(10), ["late (and 990 more before)", "later"]);
  });
});
