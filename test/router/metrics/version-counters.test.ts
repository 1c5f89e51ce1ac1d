import assert from "node:assert/strict";
import { VersionCounters } from "../../../router/metrics/stats.ts";

const ANSWERED = [0, 0, 1, 0, 0, 0];

describe("the answers of a function by version", () => {
  it("are those of its three newest versions", () => {
    const counters = new VersionCounters();
    for (let version = 1; version <= 50; version++) counters.of(version).count(200);
    assert.deepEqual(counters.read(), { 48: ANSWERED, 49: ANSWERED, 50: ANSWERED });
  });

  it("count as older what ends after its version left, and only that: no number jumps", () => {
    const counters = new VersionCounters();
    const first = counters.of(1);
    first.count(200);
    for (const version of [2, 3, 4]) counters.of(version);
    assert.deepEqual(Object.keys(counters.read()), ["2", "3", "4"]);
    first.count(503);
    assert.deepEqual(counters.read().older, [0, 0, 0, 0, 0, 1]);
  });

  it("go on where they were for a version that serves again", () => {
    const counters = new VersionCounters();
    counters.of(1).count(200);
    counters.of(2);
    counters.of(1).count(200);
    assert.deepEqual(counters.read()[1], [0, 0, 2, 0, 0, 0]);
  });
});
