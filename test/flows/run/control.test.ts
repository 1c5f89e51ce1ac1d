import assert from "node:assert/strict";
import type { Action } from "../../../platform/flows/definition/definition.ts";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

const CHILD: Action = { kind: "flow", flow: "other" };
const EVENT: Action = { kind: "event", topic: "t", by: "event.id", equals: "1" };
const PAUSE: Action = { kind: "wait", forMs: 1_000 };

describe("a run under control", () => {
  it("is cancelled: calls are aborted, waits and other runs ended, then finally runs", () => {
    const run = new DrivenRun(
      flow(
        { a: {}, b: { action: CHILD }, c: { action: EVENT }, d: { needs: ["a"] } },
        { finally: { free: { with: "${ run.state }" } } },
      ),
    );
    const decision = run.signal({ kind: "cancel", by: "ann", reason: "wrong order" });
    assert.deepEqual(decision.aborts, [{ step: "a", attempt: 1 }]);
    assert.deepEqual(decision.cancels, ["child-1"]);
    assert.deepEqual(decision.waitsOver, [{ step: "c" }]);
    assert.equal(run.payload("free.1"), "cancelled");
    run.done("free.1");
    assert.equal(run.row.state, "cancelled");
    assert.equal(run.row.status, "Cancelled by ann: wrong order");
    const end = { kind: "ended", state: "cancelled", by: "ann", reason: "wrong order", at: 1_000 };
    assert.deepEqual(run.entries.at(-1), end);
    assert.deepEqual(run.signal({ kind: "cancel", by: "ann" }).entries, []);
  });

  it("is cancelled before anything began, and a second time during finally", () => {
    const run = new DrivenRun(flow({ a: {} }, { finally: { free: {}, then: { needs: ["free"] } } }));
    run.signal({ kind: "cancel", by: "ann" });
    run.signal({ kind: "cancel", by: "ann" });
    assert.deepEqual([run.row.state, run.row.status], ["cancelled", "Cancelled by ann."]);
    assert.deepEqual(run.under, []);
  });

  it("starts nothing while it is paused, and records results", () => {
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"] }, p: { action: PAUSE }, q: { needs: ["p"] } }),
    );
    run.signal({ kind: "pause", by: "ann" });
    assert.equal(run.row.state, "paused");
    run.done("a.1", 1);
    run.advance(1_000);
    assert.deepEqual(run.under, []);
    run.crash();
    assert.equal(run.row.state, "paused");
    run.signal({ kind: "resume", by: "ann" });
    assert.deepEqual(run.under, ["b.1", "q.1"]);
  });

  it("retries after a pause what was to be retried, and calls what was refused", () => {
    const run = new DrivenRun(flow({ a: {}, b: {} }));
    run.fail("a.1", 503);
    run.end("b.1", { refused: "too_busy", retryAfterMs: 100 });
    run.signal({ kind: "pause", by: "ann" });
    run.advance(10_000);
    assert.deepEqual(run.under, []);
    run.signal({ kind: "resume", by: "ann" });
    assert.deepEqual(run.under, ["a.2", "b.1"]);
  });

  it("can be cancelled while it is paused", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }, { finally: { free: {} } }));
    run.signal({ kind: "pause", by: "ann" });
    run.signal({ kind: "cancel", by: "ann" });
    assert.deepEqual(run.under, ["free.1"]);
  });

  it("cannot be paused once it is cancelled", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }, { finally: { free: {} } }));
    run.signal({ kind: "cancel", by: "ann" });
    run.signal({ kind: "pause", by: "ann" });
    assert.equal(run.row.state, "running");
    run.done("free.1");
    assert.equal(run.row.state, "cancelled");
  });

  it("cannot be paused by who comes with the cancel", () => {
    const run = new DrivenRun(flow({ a: {} }));
    run.machine.signalled({ kind: "cancel", by: "ann" }, run.now);
    run.machine.signalled({ kind: "pause", by: "ben" }, run.now);
    run.advance();
    assert.equal(run.row.state, "cancelled");
  });

  it("ends in time, with finally after it", () => {
    const run = new DrivenRun(
      flow({ a: {} }, { timeoutMs: 5_000, finally: { free: { with: "${ run.error }" } } }),
    );
    assert.equal(run.row.wakeAt, 6_000);
    const { aborts } = run.advance(5_000);
    assert.deepEqual(aborts, [{ step: "a", attempt: 1 }]);
    const message = "The run took longer than 5 s, which is its `timeout`.";
    assert.deepEqual(run.payload("free.1"), {
      step: "a",
      type: "timeout",
      status: null,
      message,
      item: null,
    });
    run.done("free.1");
    assert.deepEqual(run.row, {
      state: "failed",
      step: "a",
      error: { type: "timeout", message },
      endedAt: 6_000,
    });
  });

  it("runs all of finally even if a part of it fails, and fails for that if nothing else did", () => {
    const steps = { a: {} };
    const last = { free: {}, then: { needs: ["free"] }, other: {} };
    const run = new DrivenRun(flow(steps, { finally: last }));
    run.done("a.1", 1);
    run.fail("free.1", 404);
    assert.deepEqual(run.under, ["other.1"]);
    run.done("other.1");
    assert.equal(run.row.step, "free");
    const failed = new DrivenRun(flow(steps, { finally: last }));
    failed.fail("a.1", 400);
    failed.fail("free.1", 404);
    failed.done("other.1");
    assert.equal(failed.row.step, "a");
  });

  it("is done with the output that the flow names, and fails if that cannot be made", () => {
    const run = new DrivenRun(flow({ a: {} }, { output: { n: "${ steps.a.output.n }" } }));
    run.done("a.1", { n: 1 });
    assert.deepEqual(run.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: { n: 1 } },
      at: 1_000,
    });
    const broken = new DrivenRun(
      flow({ a: {} }, { output: "${ steps.a.output.n.x }", finally: { free: { with: "${ run.state }" } } }),
    );
    broken.done("a.1", { n: 1 });
    assert.equal(broken.payload("free.1"), "failed");
    broken.done("free.1");
    assert.equal(broken.row.error?.type, "expression_failed");
    assert.equal(broken.row.step, "a");
  });

  it("makes no call twice that was refused, made and then paused", () => {
    const run = new DrivenRun(flow({ a: {} }));
    run.end("a.1", { refused: "too_busy", retryAfterMs: 0 });
    run.advance(100);
    run.signal({ kind: "pause", by: "ann" });
    assert.deepEqual(run.signal({ kind: "resume", by: "ann" }).starts, []);
  });
});
