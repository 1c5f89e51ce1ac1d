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

  describe("that are no JSON, or too large,", () => {
    const png = body("a", { type: "image/png" });
    const long = body("a", { bytes: 20_000_000 });

    for (const [member, step] of [
      ["with", { with: "${ steps.a.output.rows }" }],
      ["with", { with: { x: "${ steps.a.output }" } }],
      ["with", { with: "It is ${ steps.a.output }" }],
      ["with", { with: ["${ steps.a }"] }],
      ["if", { if: "size(steps.a.output) > 1" }],
      ["if", { if: "has(steps.a.output)" }],
      ["each", { each: "steps.a.output" }],
      ["with", { with: '${ default(steps.a.output, "none") }' }],
      ["output", { with: 1, output: { x: "${ steps.a.output }" } }],
    ] as const) {
      it(`fail a step whose \`${member}\` reads them: ${JSON.stringify(step)}`, () => {
        for (const [output, what] of [
          [
            png,
            /`steps.a.output` is image\/png of 100000 bytes, which can only be handed on whole: `with: "\$/,
          ],
          [long, /`steps.a.output` is application\/json of 20000000 bytes/],
        ] as const) {
          const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"], ...step } }));
          run.end("a.1", { output });
          if (member === "output") run.done("b.1");
          assert.equal(run.row.error?.type, "expression_failed");
          assert.match(run.row.error.message, new RegExp(`^Step \`b\`: \`${member}\``));
          assert.match(run.row.error.message, what);
        }
      });
    }

    it("fail a step whose input has several of them", () => {
      const run = new DrivenRun(flow({ a: {}, b: {}, c: { needs: ["a", "b"] } }));
      run.end("a.1", { output: png });
      run.done("b.1");
      assert.equal(run.row.error?.type, "expression_failed");
      assert.match(run.row.error.message, /^Step `c`: its input: `steps.a.output` is image\/png/);
    });

    it("can be made another output", () => {
      const whole = new DrivenRun(flow({ a: { output: "${ output }" } }));
      whole.end("a.1", { output: png });
      assert.deepEqual(whole.entries.at(-1), { kind: "ended", state: "done", output: png, at: 1_000 });
      const part = new DrivenRun(flow({ a: { output: { x: "${ output }" } } }));
      part.end("a.1", { output: png });
      assert.match(part.row.error!.message, /only be handed on whole: `output: "\$\{ output \}"`/);
    });

    it("leave the state and the error of their step readable", () => {
      const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"], with: "${ steps.a.state }" } }));
      run.end("a.1", { output: png });
      assert.equal(run.payload("b.1"), "done");
    });

    it("are in a list, and in the output of a run, as their type and size", () => {
      const known = { type: "image/png", bytes: 100_000 };
      const list = new DrivenRun(flow({ a: { each: "input" } }), [1]);
      list.end("a[0].1", { output: png });
      const ended = { kind: "ended", state: "done", at: 1_000 };
      assert.deepEqual(list.entries.at(-1), { ...ended, output: { json: [known] } });
      const several = new DrivenRun(flow({ a: {}, b: {} }));
      several.end("a.1", { output: png });
      several.done("b.1", 1);
      assert.deepEqual(several.entries.at(-1), { ...ended, output: { json: { a: known, b: 1 } } });
    });
  });

  it("are made of the outputs of a list that are too large together", () => {
    const limits = { flowItems: 10, flowOutputBytes: 1_000 };
    const made = { body: "made", bytes: 1_207, type: "application/json" };
    const lists = new Map<string, { readonly json: unknown }>();
    const run = new DrivenRun(flow({ a: { each: "input", concurrency: 1 } }), [1, 2], {
      limits,
      value: ({ body: id }) => lists.get(id),
    });
    const output = "x".repeat(600);
    run.done("a[0].1", output);
    run.machine.ended(run.open.get("a[1].1")!, { output: { json: output } }, run.now);
    const [missing] = run.machine.advance(run.now).missing;
    assert.deepEqual(missing!.list, [{ json: output }, { json: output }]);
    lists.set(missing!.body, { json: made });
    run.advance();
    assert.deepEqual(run.entries.at(-1), { kind: "ended", state: "done", at: 1_000, output: made });
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
