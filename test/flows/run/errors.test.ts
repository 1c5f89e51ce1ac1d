import assert from "node:assert/strict";
import type { Entry } from "../../../platform/flows/run/entry.ts";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

describe("errors of a run", () => {
  it("are retried with a growing random wait, and known in the meantime", () => {
    const run = new DrivenRun(flow({ a: { retry: { attempts: 3 } } }));
    const failed = run.fail("a.1", 503);
    assert.equal((failed.entries[0] as Extract<Entry, { kind: "failed" }>).retryAt, 1_500, "half of 1 s");
    assert.equal(run.row.state, "retrying");
    assert.equal(run.row.wakeAt, 1_500);
    assert.match(run.row.status!, /^Attempt 2 of step `a` follows at 1970-01-01T00:00:01.500Z. Status 503.$/);
    run.advance(499);
    assert.deepEqual(run.under, []);
    run.advance(1);
    assert.deepEqual(run.under, ["a.2"]);
    run.fail("a.2", 503);
    assert.equal(run.row.wakeAt, 2_500, "half of 2 s");
    run.advance(1_000);
    run.fail("a.3", 500);
    assert.deepEqual(run.row, {
      state: "failed",
      step: "a",
      error: { type: "server_error", status: 500, message: "Status 500." },
      endedAt: 2_500,
    });
  });

  it("wait as long as the function says", () => {
    const run = new DrivenRun(flow({ a: {} }));
    run.fail("a.1", 429, { retryAfterMs: 60_000 });
    assert.equal(run.row.wakeAt, 61_000);
  });

  it("are final at once if the same call would fail again, or would come too late", () => {
    for (const [status, more] of [
      [404, {}],
      [503, { isFinal: true }],
      [503, { retryAfterMs: 7 * 3_600_000 }],
    ] as const) {
      const run = new DrivenRun(flow({ a: {} }));
      run.fail("a.1", status, more);
      assert.equal(run.row.state, "failed", String(status));
    }
  });

  it("let calls under way end, start nothing more, and fail the run then", () => {
    const run = new DrivenRun(flow({ a: {}, b: {}, c: { needs: ["b"] } }));
    run.fail("a.1", 400);
    assert.equal(run.row.state, "running");
    assert.equal(run.row.error?.status, 400);
    run.done("b.1", "kept");
    assert.deepEqual(run.under, []);
    assert.equal(run.row.state, "failed");
    assert.equal(run.row.step, "a");
  });

  it("end what would be retried when another step fails", () => {
    const run = new DrivenRun(flow({ a: {}, b: {} }));
    run.fail("b.1", 503);
    run.fail("a.1", 400);
    assert.equal(run.row.state, "failed");
    assert.equal(run.row.step, "a");
  });

  it("go to the step that catches them; what needs the one that failed is skipped", () => {
    const steps = {
      charge: { catch: [{ on: ["card_declined", "402"], then: "tell" }] },
      ship: { needs: ["charge"] },
      tell: { with: "${ steps.charge.error.message }" },
    };
    for (const [status, more] of [
      [402, {}],
      [400, { type: "card_declined" }],
    ] as const) {
      const run = new DrivenRun(flow(steps));
      run.fail("charge.1", status, more);
      assert.deepEqual(run.under, ["tell.1"]);
      assert.equal(run.payload("tell.1"), `Status ${status}.`);
      run.done("tell.1", "told");
      assert.equal(run.row.state, "done");
    }
    const uncaught = new DrivenRun(flow(steps));
    uncaught.fail("charge.1", 404);
    assert.equal(uncaught.row.state, "failed");
    const fine = new DrivenRun(flow(steps));
    fine.done("charge.1");
    fine.done("ship.1", "shipped");
    assert.equal(fine.row.state, "done", "and nobody is told");
  });

  it("are replaced by an output, also of single items", () => {
    const run = new DrivenRun(
      flow({
        rows: {
          each: "input",
          catch: [{ on: ["4xx"], output: { failed: "${ item }", why: "${ error.status }" } }],
        },
        next: { needs: ["rows"] },
      }),
      [1, 2],
    );
    run.fail("rows[0].1", 404);
    run.done("rows[1].1", "fine");
    assert.deepEqual(run.payload("next.1"), [{ failed: 1, why: 404 }, "fine"]);
  });

  it("abort the other items when a step catches them", () => {
    const run = new DrivenRun(
      flow({
        rows: { each: "input", catch: [{ on: [], then: "tell" }] },
        tell: { with: "${ steps.rows.error.item }" },
      }),
      [1, 2, 3],
    );
    const { aborts } = run.fail("rows[1].1", 404);
    assert.deepEqual(
      aborts.map(({ item }) => item),
      [0, 2],
    );
    assert.equal(run.payload("tell.1"), 1);
  });

  it("of late and repeated results are none", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }));
    const start = run.open.get("a.1")!;
    run.fail("a.1", 503);
    run.advance(1_000);
    run.machine.ended(start, { output: { json: "late" } }, run.now);
    assert.deepEqual(run.advance().entries, []);
    run.machine.ended(run.open.get("a.2")!, { output: { json: 1 } }, run.now);
    run.machine.ended(run.open.get("a.2")!, { output: { json: 2 } }, run.now);
    run.advance();
    assert.equal(run.payload("b.1"), 1);
  });

  it("make the same attempt again that Skiff could not make", () => {
    const run = new DrivenRun(flow({ a: { retry: { attempts: 1 } } }));
    const refused = run.end("a.1", { refused: "store_unavailable", retryAfterMs: 0 });
    assert.deepEqual(refused.entries, []);
    assert.equal(run.row.state, "retrying");
    assert.equal(run.row.wakeAt, 1_100);
    run.advance(100);
    assert.deepEqual(run.under, ["a.1"]);
    run.end("a.1", { refused: "store_unavailable", retryAfterMs: 0 });
    assert.equal(run.row.wakeAt, 1_300);
    run.crash();
    assert.deepEqual(run.under, ["a.1"]);
    run.done("a.1");
    assert.equal(run.row.state, "done");
  });

  it("give such an attempt up when it is too old, or another step fails", () => {
    const old = new DrivenRun(flow({ a: { retry: { maxAgeMs: 1_000 } } }));
    old.end("a.1", { refused: "too_busy", retryAfterMs: 900 });
    old.advance(900);
    old.end("a.1", { refused: "too_busy", retryAfterMs: 900 });
    assert.equal(old.row.error?.type, "too_busy");
    const other = new DrivenRun(flow({ a: {}, b: {} }));
    other.end("b.1", { refused: "too_busy", retryAfterMs: 900 });
    other.fail("a.1", 400);
    assert.equal(other.row.state, "failed");
    assert.equal(other.row.step, "a");
  });

  it("of an attempt that was refused before have one result", () => {
    const run = new DrivenRun(flow({ a: {} }));
    const start = run.open.get("a.1")!;
    run.machine.ended(start, { refused: "too_busy", retryAfterMs: 0 }, run.now);
    run.machine.ended(start, { error: { type: "gone", status: 410, message: "Gone." } }, run.now);
    assert.deepEqual(run.kinds(run.advance()), ["failed a", "stepFailed a", "ended a"]);
  });
});

describe("what comes after a step that was caught", () => {
  const steps = {
    charge: { catch: [{ on: ["402"], then: "tell" }] },
    reserve: {},
    confirm: { needs: ["charge"] },
    tell: {},
    told: { needs: ["tell"] },
    joined: { needs: ["confirm", "reserve"] },
    merged: { needs: ["confirm", "told"] },
  };

  it("is skipped, also where it has another need, unless it follows the step of the catch too", () => {
    const run = new DrivenRun(flow(steps));
    run.done("reserve.1", 1);
    run.fail("charge.1", 402);
    run.done("tell.1", 2);
    run.done("told.1", 3);
    assert.deepEqual(run.under, ["merged.1"]);
    assert.equal(run.payload("merged.1"), 3);
    run.done("merged.1", 4);
    assert.deepEqual(run.row.state, "done");
    const skipped = run.decisions
      .flatMap((decision) => run.kinds(decision))
      .filter((kind) => /^skipped/.test(kind));
    assert.deepEqual(skipped.sort(), ["skipped confirm", "skipped joined"]);
  });

  it("runs where nothing was caught", () => {
    const run = new DrivenRun(flow(steps));
    run.done("reserve.1", 1);
    run.done("charge.1", 2);
    run.done("confirm.1", 3);
    assert.deepEqual([...run.under].sort(), ["joined.1", "merged.1"]);
  });
});
