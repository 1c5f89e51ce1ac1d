import assert from "node:assert/strict";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

const RETRY = { kind: "retry", by: "ann" } as const;

describe("an ended run that is retried", () => {
  it("goes on at the step that failed, with the outputs that it had", () => {
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"] }, c: { needs: ["b"] } }, { finally: { free: {} } }),
    );
    run.done("a.1", 1);
    run.fail("b.1", 404);
    run.done("free.1");
    assert.equal(run.row.state, "failed");
    run.now += 10_000;
    run.signal(RETRY);
    assert.deepEqual(run.under, ["b.2"]);
    assert.equal(run.payload("b.2"), 1);
    assert.equal(run.open.get("b.2")!.idempotencyKey, "run.b.2");
    run.crash();
    run.done("b.2", 2);
    run.done("c.1", 3);
    run.done("free.2");
    assert.equal(run.row.state, "done");
  });

  it("has all attempts of its policy again, and its whole time", () => {
    const run = new DrivenRun(flow({ a: { retry: { attempts: 2 } } }, { timeoutMs: 60_000 }));
    run.fail("a.1", 503);
    run.advance(1_000);
    run.fail("a.2", 503);
    assert.equal(run.row.state, "failed");
    run.now += 100_000;
    run.signal(RETRY);
    run.fail("a.3", 503);
    assert.equal(run.row.state, "retrying");
  });

  it("runs the items that are not done", () => {
    const run = new DrivenRun(flow({ rows: { each: "input", concurrency: 3 } }), [1, 2, 3, 4]);
    run.done("rows[0].1", "a");
    run.fail("rows[1].1", 404);
    run.done("rows[2].1", "c");
    run.done("rows[3].1", "d");
    run.signal(RETRY);
    assert.deepEqual(run.under, ["rows[1].2"]);
    run.done("rows[1].2", "b");
    assert.deepEqual(run.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: ["a", "b", "c", "d"] },
      at: 1_000,
    });
  });

  it("runs from any step, or one item of it, and what follows", () => {
    const run = new DrivenRun(
      flow({ a: {}, rows: { needs: ["a"], each: "steps.a.output" }, c: { needs: ["rows"] } }),
    );
    run.done("a.1", [1, 2]);
    run.done("rows[0].1", "x");
    run.done("rows[1].1", "y");
    run.done("c.1");
    run.signal({ ...RETRY, from: "rows", item: 1 });
    assert.deepEqual(run.under, ["rows[1].2"]);
    run.done("rows[1].2", "z");
    assert.deepEqual(run.payload("c.2"), ["x", "z"]);
    run.done("c.2");
    run.signal({ ...RETRY, from: "a" });
    assert.deepEqual(run.under, ["a.2"]);
    run.done("a.2", [1, 2, 3]);
    assert.deepEqual(run.under, ["rows[0].2", "rows[1].3", "rows[2].1"]);
  });

  it("decides again about steps that were skipped or caught", () => {
    const run = new DrivenRun(
      flow({
        a: { catch: [{ on: [], then: "tell" }] },
        b: { needs: ["a"] },
        tell: { with: "${ steps.a.error.status }" },
      }),
    );
    run.fail("a.1", 404);
    run.done("tell.1");
    run.signal({ ...RETRY, from: "a" });
    run.done("a.2");
    assert.deepEqual(run.under, ["b.1"]);
    run.done("b.1");
    assert.equal(run.row.state, "done");
  });

  it("goes on with the iteration that failed", () => {
    const run = new DrivenRun(
      flow({ page: { while: "last == null || last.more", max: 9, with: "${ last }" } }),
    );
    run.done("page[0].1", { more: true, n: 0 });
    run.done("page[1].1", { more: true, n: 1 });
    run.fail("page[2].1", 404);
    run.signal(RETRY);
    assert.deepEqual(run.under, ["page[2].2"]);
    assert.deepEqual(run.payload("page[2].2"), { more: true, n: 1 });
    run.done("page[2].2", { more: false, n: 2 });
    assert.equal(run.row.state, "done");
    run.signal({ ...RETRY, from: "page", item: 2 });
    assert.deepEqual(run.under, ["page[2].3"], "the output before is still known");
    run.done("page[2].3", { more: false });
    run.signal({ ...RETRY, from: "page", item: 1 });
    assert.deepEqual(run.under, ["page[0].2"], "it is not, so that the loop begins anew");
  });

  it("goes on after a cancellation, and not after success without a step, or with an unknown one", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }));
    run.done("a.1");
    run.signal({ kind: "cancel", by: "ann" });
    run.signal(RETRY);
    assert.deepEqual(run.under, ["b.2"]);
    run.done("b.2");
    for (const from of [undefined, "nothing", "constructor"]) {
      assert.deepEqual(run.signal({ ...RETRY, from }).entries, []);
      assert.equal(run.row.state, "done");
    }
  });
});
