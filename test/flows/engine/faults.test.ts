import assert from "node:assert/strict";
import type { Append } from "../../../store/flows/runs.ts";
import { eventually } from "../../support/eventually.ts";
import { FlowRig } from "../support/flow-rig.ts";

describe("a run whose engine fails", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("work", () => "worked");
  });
  afterEach(() => rig.close());

  it("fails with the fault, and calls nothing again", async () => {
    await rig.put(
      "one",
      "steps:\n  a: {fn: work}\n  b: {fn: work, needs: [a]}\nfinally:\n  free: {fn: free}\n",
    );
    rig.functions.set("free", () => null);
    rig.onAppend = failing("a");
    const id = await rig.begin(await rig.start(), "one");
    const { error } = await rig.run(id, "failed");
    assert.equal(error?.type, "internal_error");
    assert.match(error?.message ?? "", /a value is broken/);
    assert.deepEqual(rig.calls(), ["work", "free"]);
  });

  it("goes on from where it was when it is retried", async () => {
    await rig.put("one", "steps:\n  a: {fn: work}\n  b: {fn: work, needs: [a]}\n");
    rig.onAppend = failing("b");
    const id = await rig.begin(await rig.start(), "one");
    await rig.run(id, "failed");
    rig.onAppend = undefined;
    assert.ok(await rig.store.runs.reopen({ run: id, signal: { kind: "retry", by: "ann" } }, Date.now()));
    assert.equal(await rig.output(id), "worked");
    assert.deepEqual(rig.calls(), ["work", "work", "work"]);
  });

  it("is given back if that cannot be stored either", async () => {
    await rig.put("one", "steps:\n  a: {fn: work}\n");
    rig.onAppend = failing("a", ({ entries }) => entries.some(({ kind }) => kind === "runFailed"));
    const id = await rig.begin(await rig.start(), "one");
    await eventually("it rests", async () => {
      const { wakeAt = 0 } = (await rig.sqlite.runs.get(id))!;
      const restMs = wakeAt - Date.now();
      return restMs > 500_000 && restMs < 700_000;
    });
    assert.deepEqual(rig.calls(), ["work"]);
  });
});

/** Refuses what stores the result of a step, and what `isMore` says. */
function failing(step: string, isMore: (append: Append) => boolean = () => false): FlowRig["onAppend"] {
  return async (append) => {
    const isResult = append.entries.some((entry) => entry.kind === "done" && entry.step === step);
    if (isResult || isMore(append)) throw new TypeError("a value is broken");
  };
}
