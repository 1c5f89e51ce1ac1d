import assert from "node:assert/strict";
import { FlowCounts } from "../../../flows/engine/counts.ts";
import { StuckRuns } from "../../../flows/engine/stuck-runs.ts";
import type { RunRecord } from "../../../store/flows/runs.ts";
import { eventually } from "../../support/eventually.ts";

describe("runs without progress", () => {
  it("are counted, and named once", async () => {
    const counts = new FlowCounts();
    const lines: string[] = [];
    const asked: number[] = [];
    const run = (id: string) =>
      ({ id, flow: "order", state: "running", step: "charge", changedAt: 0 }) as unknown as RunRecord;
    let found = [run("r1"), run("r2")];
    const stuck = new StuckRuns({
      runs: {
        async stuck(before) {
          asked.push(before);
          return found;
        },
      },
      ...{ counts, isCalling: (id) => id === "r2", now: () => 1_000_000, print: (line) => lines.push(line) },
      lookMs: 1,
    });
    stuck.start();
    await eventually("it looked thrice", () => asked.length > 3);
    assert.equal(asked[0], 100_000);
    assert.equal(counts.stuck, 1);
    assert.deepEqual(lines, [
      "the run r1 of the flow order is running at the step charge and makes no progress since 1970-01-01T00:00:00.000Z",
    ]);
    found = [];
    await eventually("it goes on", () => counts.stuck === 0);
    await stuck.close();
  });
});
