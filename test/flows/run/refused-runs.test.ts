import assert from "node:assert/strict";
import type { Step } from "../../../platform/flows/definition/definition.ts";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

describe("a step whose run is refused", () => {
  const runOf = (more: Partial<Step> = {}) =>
    new DrivenRun(flow({ a: { action: { kind: "flow", flow: "other" }, ...more }, then: { needs: ["a"] } }));
  const refuse = (run: DrivenRun, id: string) =>
    run.signal({ kind: "refused", step: "a", attempt: 1, run: id, code: "too_many_runs" });
  const done = (run: DrivenRun, id: string) => {
    const end = { kind: "ended", at: run.now, state: "done", output: { json: 1 } } as const;
    return run.signal({ kind: "flow", step: "a", attempt: 1, run: id, end });
  };

  it("begins another one later, as the same attempt", () => {
    const run = runOf();
    const decision = refuse(run, "child-1");
    assert.deepEqual(run.kinds(decision), ["started a"]);
    assert.deepEqual(decision.children, []);
    assert.equal(run.row.state, "retrying");
    assert.match(run.row.status!, /^Step `a`: Skiff cannot begin a run of flow `other` \(too_many_runs\)/);
    assert.equal(run.row.wakeAt, run.now + 100);
    assert.deepEqual(refuse(run, "child-1").entries, []);
    const { children } = run.advance(100);
    assert.deepEqual(
      children.map(({ run, attempt }) => [run, attempt]),
      [["child-2", 1]],
    );
    assert.equal(run.row.state, "waiting");
    done(run, "child-2");
    assert.deepEqual(run.under, ["then.1"]);
  });

  it("begins it at once in the engine that takes it over", () => {
    const run = runOf();
    refuse(run, "child-1");
    assert.equal(run.crash().children.length, 1);
    assert.equal(run.row.state, "waiting");
  });

  it("fails at its timeout, which counts from the first try", () => {
    const run = runOf({ timeoutMs: 10_000 });
    const endsAt = run.now + 10_000;
    for (let id = 1; run.now < endsAt; id++) {
      refuse(run, `child-${id}`);
      assert.ok(run.row.wakeAt! > run.now, `${run.row.wakeAt}`);
      run.advance(run.row.wakeAt! - run.now);
    }
    assert.equal(run.now, endsAt);
    assert.equal(run.row.state, "failed");
    assert.deepEqual(run.row.error, {
      type: "too_many_runs",
      message:
        "Skiff could not begin a run of flow `other` for 10 s: too many of its runs have not ended (SKIFF_MAX_RUNS).",
    });
  });

  it("tries ever less often", () => {
    const run = runOf();
    for (let id = 1; id <= 12; id++) {
      refuse(run, `child-${id}`);
      run.advance(run.row.wakeAt! - run.now);
    }
    refuse(run, "child-13");
    assert.equal(run.row.wakeAt! - run.now, 30_000);
  });

  it("is cancelled while it is put off, and put off while the run is paused", () => {
    const run = runOf();
    refuse(run, "child-1");
    run.signal({ kind: "pause", by: "ann" });
    assert.deepEqual(run.advance(1_000).children, []);
    assert.equal(run.signal({ kind: "resume", by: "ann" }).children.length, 1);
    refuse(run, "child-2");
    run.signal({ kind: "cancel", by: "ann" });
    assert.equal(run.row.state, "cancelled");
  });
});
