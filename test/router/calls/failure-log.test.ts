import assert from "node:assert/strict";
import { FailureLog } from "../../../router/call/failure-log.ts";

describe("the line of a failed call", () => {
  it("is one line without control characters, whatever it is made of", () => {
    const lines: string[] = [];
    const log = new FailureLog((line) => lines.push(line));
    log.print("GET /\u001b[2J\r\nfake\u009b31m\u2028x\u202ey\u200ez\u0007 failed");
    assert.deepEqual(lines, ["GET / [2J fake 31m x y z failed"]);
  });

  it("is not printed more than ten times a second; the rest is counted", () => {
    const lines: string[] = [];
    const log = new FailureLog((line) => lines.push(line));
    for (let i = 0; i < 1_000; i++) log.print("failed");
    assert.ok(lines.length >= 10 && lines.length <= 20, String(lines.length));
  });
});
