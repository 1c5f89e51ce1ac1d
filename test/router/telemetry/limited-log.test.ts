import assert from "node:assert/strict";
import { LimitedLog } from "../../../router/telemetry/limited-log.ts";

describe("a line of a limited log", () => {
  let lines: string[];
  let nowMs: number;
  let log: LimitedLog;
  beforeEach(() => {
    lines = [];
    nowMs = 0;
    log = new LimitedLog(
      (line) => lines.push(line),
      { lines: 10, perMs: 1_000 },
      () => nowMs,
    );
  });

  it("is one line without control characters, whatever clients and instances send", () => {
    log.print("GET /\u001b[2J\r\nfake\u009b31m\u2028x\u202ey\u200ez\u0007 failed");
    assert.deepEqual(lines, ["GET /\\x1b[2J\\r\\nfake\\x9b31m\\u2028x\\u202ey\\u200ez\\x07 failed"]);
  });

  it("is left out over the limit, and the next one has the number of those left out", () => {
    for (let i = 0; i < 1_000; i++) log.print("failed");
    assert.deepEqual(lines, new Array(10).fill("failed"));
    nowMs = 999;
    log.print("failed");
    assert.equal(lines.length, 10);
    nowMs = 1_000;
    log.print("failed again");
    assert.equal(lines.at(-1), "failed again (and 991 more before)");
    log.print("failed once more");
    assert.equal(lines.at(-1), "failed once more");
  });
});
