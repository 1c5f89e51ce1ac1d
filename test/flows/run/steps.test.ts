import assert from "node:assert/strict";
import { flow, fn } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

describe("steps of a run", () => {
  it("follow one another, each with the output of the one before", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }), { id: 7 });
    assert.deepEqual(run.under, ["a.1"]);
    assert.deepEqual(run.payload("a.1"), { id: 7 });
    const between = run.done("a.1", { n: 1 });
    assert.deepEqual(run.kinds(between), ["done a", "started b"], "in one decision");
    assert.deepEqual(run.payload("b.1"), { n: 1 });
    assert.equal(run.open.get("b.1")!.idempotencyKey, "run.b.1");
    const last = run.done("b.1", "end");
    assert.deepEqual(last.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: "end" },
      at: 1_000,
    });
    assert.deepEqual(run.row, { state: "done", endedAt: 1_000 });
  });

  it("run beside one another and join, with outputs by name", () => {
    const run = new DrivenRun(flow({ a: {}, b: {}, c: { needs: ["a", "b"] } }));
    assert.deepEqual(run.under, ["a.1", "b.1"]);
    run.done("b.1", 2);
    assert.deepEqual(run.under, ["a.1"]);
    run.done("a.1", 1);
    assert.deepEqual(run.payload("c.1"), { a: 1, b: 2 });
  });

  it("are a switch by if and else", () => {
    const steps = {
      small: { if: "input.n < 10" },
      middle: { else: "small", if: "input.n < 100" },
      big: { else: "middle" },
      join: { needs: ["small", "middle", "big"] },
    };
    for (const [n, chosen] of [
      [1, "small"],
      [50, "middle"],
      [500, "big"],
    ] as const) {
      const run = new DrivenRun(flow(steps), { n });
      assert.deepEqual(run.under, [`${chosen}.1`]);
      run.done(`${chosen}.1`, n);
      assert.equal(run.payload("join.1"), n, "the only output there is");
      run.done("join.1", "joined");
      assert.equal(run.row.state, "done");
    }
  });

  it("are skipped if all that they need was skipped, and the run is done", () => {
    const run = new DrivenRun(flow({ a: { if: "false" }, b: { needs: ["a"] }, c: { needs: ["b"] } }));
    assert.deepEqual(run.kinds(run.decisions[0]!), ["skipped a", "skipped b", "skipped c", "ended"]);
    assert.equal(run.row.state, "done");
  });

  it("have the needs of the step that they are the else of", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"], if: "steps.a.output" }, c: { else: "b" } }));
    assert.deepEqual(run.under, ["a.1"]);
    run.done("a.1", false);
    assert.deepEqual(run.under, ["c.1"]);
    assert.equal(run.payload("c.1"), false);
  });

  it("fail with the expression that could not be evaluated", () => {
    const run = new DrivenRun(flow({ a: { if: "nothing.there" } }));
    assert.equal(run.row.state, "failed");
    assert.equal(run.row.step, "a");
    assert.equal(run.row.error?.type, "expression_failed");
    assert.match(run.row.error.message, /^Step `a`: `if`: /);
  });

  it("get what `with` says, and put out what `output` says", () => {
    const run = new DrivenRun(
      flow({
        a: { output: "${ output.x }" },
        b: { needs: ["a"], with: { n: "${ steps.a.output + 1 }", t: "n=${ input.t }" } },
      }),
      { t: "t" },
    );
    run.done("a.1", { x: 1 });
    assert.deepEqual(run.payload("b.1"), { n: 2, t: "n=t" });
  });

  it("call the version that the function had when the run began, if it had one", () => {
    const run = new DrivenRun(flow({ a: {}, b: { action: fn("constructor") } }), {}, { functions: { a: 3 } });
    const { send } = run.open.get("a.1")!;
    const call = { kind: "fn", method: "POST", path: "/", headers: {}, payload: { json: {} } };
    assert.deepEqual(send, { ...call, function: "a", version: 3, isReplaceable: true });
    assert.deepEqual(run.open.get("b.1")!.send, { ...call, function: "constructor" });
  });
});
