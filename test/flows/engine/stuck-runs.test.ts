import assert from "node:assert/strict";
import { FlowCounts } from "../../../flows/engine/counts.ts";
import { StuckRuns } from "../../../flows/engine/stuck-runs.ts";
import type { RestingRuns, RunRecord } from "../../../store/flows/runs.ts";
import { eventually } from "../../support/eventually.ts";

const run = (id: string) =>
  ({ id, flow: "order", state: "running", step: "charge", changedAt: 0 }) as unknown as RunRecord;
const NONE: RestingRuns = { own: [], lost: [], due: [] };

describe("runs without progress", () => {
  let counts: FlowCounts;
  let lines: string[];
  let asked: unknown[];
  let found: RestingRuns;
  let hasRoom: boolean;
  let overdue: readonly { readonly id: string }[];
  let stuck: StuckRuns;
  beforeEach(() => {
    [counts, lines, asked, found, hasRoom, overdue] = [new FlowCounts(), [], [], NONE, true, []];
    stuck = new StuckRuns({
      runs: {
        async stuck(request) {
          asked.push(request);
          return found;
        },
        get: async (id) => run(id),
      },
      ...{ owner: () => "host/1", isCalling: (id) => id === "r2", hasRoom: () => hasRoom },
      overdue: (before) => (before === 100_000 ? overdue : []),
      ...{ counts, now: () => 1_000_000, print: (line) => lines.push(line), lookMs: 1 },
    });
    stuck.start();
  });
  afterEach(() => stuck.close());

  const looks = async (count: number) => {
    const goal = asked.length + count;
    await eventually("it looked", () => asked.length >= goal);
  };

  it("are counted, and named once", async () => {
    found = { ...NONE, own: [run("r1"), run("r2")], lost: [run("r3")] };
    await looks(4);
    assert.deepEqual(asked[0], { owner: "host/1", before: 100_000, limit: 100 });
    assert.equal(counts.stuck, 2);
    const line = (id: string) =>
      `the run ${id} of the flow order is running at the step charge and makes no progress since 1970-01-01T00:00:00.000Z`;
    assert.deepEqual(lines, [line("r1"), line("r3")]);
    found = NONE;
    await eventually("it goes on", () => counts.stuck === 0);
  });

  it("are those that stay next in the queue of an engine with room, and none while it moves", async () => {
    let queue = 0;
    found = {
      ...NONE,
      get due() {
        return [run(`q${queue++}`)];
      },
    };
    await looks(5);
    assert.deepEqual([counts.stuck, lines], [0, []]);
    hasRoom = false;
    found = { ...NONE, due: [run("next")] };
    await looks(5);
    assert.deepEqual([counts.stuck, lines], [0, []]);
    hasRoom = true;
    await eventually("it is found", () => counts.stuck === 1);
  });

  it("are those of this engine that should have woken", async () => {
    overdue = [{ id: "late" }];
    await eventually("it is found", () => counts.stuck === 1);
    assert.match(lines[0]!, /^the run late of the flow order/);
  });
});
