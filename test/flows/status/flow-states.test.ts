import assert from "node:assert/strict";
import { FlowStates } from "../../../flows/status/flow-states.ts";
import type { Declared } from "../../../platform/declarations.ts";
import type { FlowTotals, RunRecord } from "../../../store/flows/runs.ts";

const declared = (name: string, revision: string): Declared => ({
  ...{ kind: "Flow", name, revision, spec: {} },
  ...{ createdAt: new Date(0), updatedAt: new Date(0) },
});

describe("the states of flows", () => {
  let totals: FlowTotals[] = [];
  let reads: string[] = [];
  let listed: (string | undefined)[] = [];
  const states = () =>
    new FlowStates({
      runs: {
        totals: async () => totals,
        list: async ({ flow }) => {
          listed.push(flow);
          return [{ acceptedAt: 7, state: "running" } as RunRecord];
        },
      },
      platform: { endpoints: () => undefined },
      read: async ({ name, revision }) => {
        reads.push(`${name} ${revision}`);
        return { faults: [] };
      },
    });

  beforeEach(() => {
    totals = [{ flow: "order", live: { running: 1 }, ended: {} }];
    reads = [];
    listed = [];
  });

  it("have what was counted, and the newest run of flows that ran", async () => {
    const [order, idle] = await states().read([declared("order", "1"), declared("idle", "1")]);
    assert.equal(order!.totals, totals[0]);
    assert.equal(order!.last?.state, "running");
    assert.deepEqual([idle!.totals, idle!.last], [undefined, undefined]);
    assert.deepEqual([order!.hasFlow("idle"), order!.hasFlow("gone")], [true, false]);
    assert.deepEqual(listed, ["order"]);
  });

  it("are read again only when something changed", async () => {
    const of = states();
    const flows = [declared("order", "1"), declared("idle", "1")];
    await of.read(flows);
    await of.read(flows);
    assert.deepEqual([reads, listed], [["order 1", "idle 1"], ["order"]]);
    await of.read([declared("order", "2"), flows[1]!]);
    assert.deepEqual([reads.slice(2), listed], [["order 2"], ["order"]]);
    totals = [{ flow: "order", live: {}, ended: { done: 1 } }];
    await of.read([declared("order", "2")]);
    assert.deepEqual([reads.slice(2), listed], [["order 2"], ["order", "order"]]);
  });

  it("ask for nothing while there are no flows", async () => {
    totals = undefined!;
    assert.deepEqual(await states().read([]), []);
  });
});
