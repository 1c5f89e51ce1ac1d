import assert from "node:assert/strict";
import { onFirstUse } from "../../flows/first-use.ts";
import { FLOW_KIND } from "../../platform/flows/kinds.ts";
import { storeChanges } from "../../store/changes.ts";
import type { RunRecord } from "../../store/flows/runs.ts";
import type { FlowStore } from "../../store/store.ts";
import { eventually } from "../support/eventually.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";

describe("the first use of flows", () => {
  const begin = async ({ live = 0 } = {}) => {
    const [platform, changes] = [new FakePlatform(), storeChanges()];
    const runs = { list: async () => Array.from({ length: live }, () => ({}) as RunRecord) };
    const store = { runs } as unknown as FlowStore;
    const used = { times: 0 };
    const stop = await onFirstUse({ platform, changes, store }, () => void used.times++);
    return { platform, changes, used, stop };
  };

  it("is at once where a run lives", async () => {
    assert.equal((await begin({ live: 1 })).used.times, 1);
  });

  it("is the first flow that is declared", async () => {
    const { platform, used } = await begin();
    assert.equal(used.times, 0);
    for (const name of ["one", "two"])
      await platform.declarations.put(FLOW_KIND, name, { spec: { source: "steps: {a: {fn: a}}" } });
    await eventually("it is used", () => used.times === 1);
  });

  it("is a run that becomes ready", async () => {
    const { changes, used } = await begin();
    changes.emit("runs");
    changes.emit("runs");
    assert.equal(used.times, 1);
  });

  it("does not come after the stop", async () => {
    const { changes, used, stop } = await begin();
    stop();
    changes.emit("runs");
    assert.equal(used.times, 0);
  });
});
