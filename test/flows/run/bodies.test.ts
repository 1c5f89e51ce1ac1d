import assert from "node:assert/strict";
import { flow } from "../support/definitions.ts";
import { body, DrivenRun } from "../support/driven-run.ts";

describe("bodies of a run", () => {
  it("are handed on without being read", () => {
    const image = body("image", { type: "image/png" });
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"] }, c: { needs: ["a"], with: "${ steps.a.output }" } }),
    );
    run.end("a.1", { output: image });
    assert.deepEqual(run.payload("b.1"), image);
    assert.deepEqual(run.payload("c.1"), image);
  });

  it("are loaded before an expression reads them; nothing is decided until then", () => {
    const values = new Map<string, { readonly json: unknown }>();
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"], with: "${ steps.a.output.n + 1 }" }, c: { needs: ["a"], with: 1 } }),
      {},
      { value: ({ body: id }) => values.get(id) },
    );
    const start = run.open.get("a.1")!;
    run.machine.ended(start, { output: body("rows") }, run.now);
    const decision = run.machine.advance(run.now);
    assert.deepEqual(decision.missing, [body("rows")]);
    assert.deepEqual([decision.entries, decision.starts], [[], []]);
    assert.equal(run.machine.sequence, 2);
    values.set("rows", { json: { n: 41 } });
    run.advance();
    assert.equal(run.payload("b.1"), 42);
    assert.equal(run.payload("c.1"), 1);
  });

  it("that are no JSON, or too large, are named when an expression fails for them", () => {
    for (const [more, what] of [
      [{ type: "image/png" }, /`steps.a.output` is image\/png of 100000 bytes/],
      [{ bytes: 20_000_000 }, /`steps.a.output` is application\/json of 20000000 bytes/],
    ] as const) {
      const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"], with: "${ steps.a.output.rows }" } }));
      run.end("a.1", { output: body("a", more) });
      assert.match(run.row.error!.message, what);
    }
  });

  it("are in a list as what is known of them if they are no JSON", () => {
    const run = new DrivenRun(flow({ a: { each: "input" } }), [1]);
    run.end("a[0].1", { output: body("image", { type: "image/png" }) });
    assert.deepEqual(run.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: [{ body: "image", type: "image/png", bytes: 100_000 }] },
      at: 1_000,
    });
  });

  it("end a step whose outputs are too large together", () => {
    const limits = { flowItems: 10, flowOutputBytes: 1_000 };
    const run = new DrivenRun(flow({ a: { each: "input", concurrency: 1 } }), [1, 2, 3], { limits });
    run.done("a[0].1", "x".repeat(600));
    run.done("a[1].1", "x".repeat(600));
    assert.equal(run.row.error?.type, "output_too_large");
  });

  it("of a list are loaded before its run, which failed, ends", () => {
    const values = new Map<string, { readonly json: unknown }>();
    const run = new DrivenRun(flow({ a: {}, b: { each: "input" } }), [1], {
      value: ({ body: id }) => values.get(id),
    });
    run.fail("a.1", 400);
    run.machine.ended(run.open.get("b[0].1")!, { output: body("big") }, run.now);
    assert.deepEqual(run.machine.advance(run.now).missing, [body("big")]);
    values.set("big", { json: "big" });
    assert.deepEqual(run.kinds(run.advance()), ["done b", "settled b", "ended a"]);
  });
});
