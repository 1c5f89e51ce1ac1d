import assert from "node:assert/strict";
import { serverTiming, stepDurations } from "../../../router/telemetry/call-record.ts";

const STEPS = [
  { name: "api", atMs: 10 },
  { name: "container", atMs: 500.04 },
  { name: "schedule", atMs: 28 },
  { name: "start", atMs: 530 },
] as const;

describe("the Server-Timing of a call that woke its function", () => {
  it("says how long each step took, in the order in which they happened", () => {
    assert.equal(
      serverTiming(STEPS, 541),
      "api;dur=10.0, schedule;dur=18.0, container;dur=472.0, start;dur=30.0, first-byte;dur=11.0",
    );
    assert.deepEqual(stepDurations([]), []);
  });

  it("is never negative for a call that came in the middle of a waking", () => {
    assert.match(serverTiming(STEPS, 100), /first-byte;dur=0\.0$/);
  });
});
