import assert from "node:assert/strict";
import { stepTook } from "../../cli/commands/flows/runs.ts";

describe("skiff flow show", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
  const attempt = (start: number, end?: number) => ({
    startedAt: at(start),
    ...(end === undefined ? {} : { endedAt: at(end) }),
  });

  it("says how long the last attempt of a step took", () => {
    const step = { state: "done", startedAt: at(0), endedAt: at(62) };
    assert.equal(stepTook({ ...step, attempts: [attempt(0, 1), attempt(60, 62)] }), "2.0 s");
    assert.equal(
      stepTook({ state: "running", startedAt: at(0), attempts: [attempt(0, 1), attempt(60)] }),
      "-",
    );
    assert.equal(stepTook({ state: "skipped", attempts: [] }), "-");
  });

  it("counts long times in hours and days", () => {
    const took = (seconds: number) => stepTook({ state: "done", attempts: [attempt(0, seconds)] });
    assert.deepEqual([90, 5_400, 259_200].map(took), ["1.5 min", "1.5 h", "3.0 d"]);
  });

  it("says how long all items together took", () => {
    const step = { state: "done", startedAt: at(0), endedAt: at(4), items: { total: 2, done: 2 } };
    assert.equal(stepTook({ ...step, attempts: [] }), "4.0 s");
  });
});
