import assert from "node:assert/strict";
import { BLOCKED_MS, type Finishing, overdue } from "../../../../platform/local/instances/draining.ts";

describe("an instance that finishes", () => {
  const timeoutMs = 60_000;
  const streamIdleMs = 300_000;
  const at = (input: Partial<Finishing>) =>
    overdue({ forMs: 0, silentMs: 0, hasStream: false, timeoutMs, streamIdleMs, ...input });

  it("has the time of a call while its event loop turns", () => {
    assert.equal(at({ forMs: timeoutMs - 1, silentMs: BLOCKED_MS - 1 }), undefined);
    assert.match(at({ forMs: timeoutMs })!, /had not finished 60 s after/);
  });

  it("has a few seconds when it does not, whatever its limits are", () => {
    assert.match(at({ forMs: BLOCKED_MS, silentMs: BLOCKED_MS })!, /event loop was blocked for 3 s/);
    assert.match(at({ forMs: 30_000, silentMs: BLOCKED_MS })!, /event loop was blocked/);
  });

  it("has one silence of a stream more while a router knows a stream on it, whether it answers or not", () => {
    const forMs = timeoutMs + streamIdleMs - 1;
    assert.equal(at({ forMs, silentMs: forMs, hasStream: true }), undefined);
    assert.match(at({ forMs: forMs + 1, hasStream: true })!, /had not finished 6 min after/);
  });

  it("is told late of a stream, however little time a call has", () => {
    assert.equal(at({ forMs: BLOCKED_MS - 1, timeoutMs: 100 }), undefined);
  });
});
