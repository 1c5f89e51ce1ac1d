import assert from "node:assert/strict";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";
import { QuickRun } from "../support/quick-run.ts";

describe("loops of a run", () => {
  it("run a step for each item, a few at a time, and put out a list in the order of the items", () => {
    const run = new DrivenRun(
      flow({ rows: { each: "input", concurrency: 2 }, next: { needs: ["rows"] } }),
      [10, 20, 30],
    );
    assert.deepEqual(run.under, ["rows[0].1", "rows[1].1"]);
    assert.equal(run.payload("rows[1].1"), 20);
    assert.equal(run.open.get("rows[1].1")!.idempotencyKey, "run.rows.1.1");
    run.done("rows[1].1", "b");
    assert.deepEqual(run.under, ["rows[0].1", "rows[2].1"]);
    run.done("rows[2].1", "c");
    run.done("rows[0].1", "a");
    assert.deepEqual(run.payload("next.1"), ["a", "b", "c"]);
  });

  it("of an empty list put out an empty list", () => {
    const run = new DrivenRun(flow({ rows: { each: "input" } }), []);
    assert.deepEqual(run.kinds(run.decisions[0]!), ["listed rows", "settled rows", "ended"]);
  });

  it("go on with the same items after a crash", () => {
    for (const isFromCheckpoint of [true, false]) {
      const run = new DrivenRun(flow({ rows: { each: "input", concurrency: 2 } }), [1, 2, 3, 4]);
      run.done("rows[0].1", "a");
      run.crash(isFromCheckpoint);
      assert.deepEqual(run.under, ["rows[1].1", "rows[2].1"]);
      for (const name of ["rows[1].1", "rows[2].1", "rows[3].1"]) run.done(name, name);
      assert.equal(run.row.state, "done");
    }
  });

  it("repeat a step while a condition holds", () => {
    const run = new DrivenRun(
      flow({
        page: {
          while: "last == null || last.more",
          max: 10,
          with: { n: "${ iteration }", last: "${ last }" },
        },
      }),
    );
    assert.deepEqual(run.payload("page[0].1"), { n: 0, last: null });
    run.done("page[0].1", { more: true });
    assert.deepEqual(run.payload("page[1].1"), { n: 1, last: { more: true } });
    run.done("page[1].1", { more: false });
    assert.deepEqual(run.decisions.at(-1)!.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: { more: false } },
      at: 1_000,
    });
  });

  it("end with too_many_iterations", () => {
    const run = new DrivenRun(flow({ page: { while: "true", max: 2 } }));
    run.done("page[0].1");
    run.done("page[1].1");
    assert.equal(run.row.error?.type, "too_many_iterations");
  });

  it("fail for what is no list or no condition, and for too many items", () => {
    const none = new DrivenRun(flow({ rows: { each: "input.x" } }), { x: 1 });
    assert.match(none.row.error!.message, /`each` must be a list, and `input\.x` is 1\./);
    const odd = new DrivenRun(flow({ page: { while: "input.x", max: 2 } }), { x: "yes" });
    assert.match(odd.row.error!.message, /`while` must be true or false, and `input\.x` is "yes"\./);
    const absent = new DrivenRun(flow({ a: { if: "input.x" } }), { x: null });
    assert.match(absent.row.error!.message, /`if` must be true or false, and `input\.x` is null\./);
    const limits = { flowItems: 2, flowOutputBytes: 1_000 };
    const many = new DrivenRun(flow({ rows: { each: "input" } }), [1, 2, 3], { limits });
    assert.match(many.row.error!.message, /3 items, and SKIFF_FLOW_ITEMS allows 2/);
  });

  it("fail with the item that failed, and record those under way", () => {
    const run = new DrivenRun(flow({ rows: { each: "input", concurrency: 2 } }), [1, 2, 3]);
    run.fail("rows[1].1", 404);
    assert.equal(run.row.state, "running");
    assert.deepEqual(run.under, ["rows[0].1"]);
    run.done("rows[0].1");
    assert.equal(run.row.state, "failed");
    assert.equal(run.row.error?.item, 1);
  });

  it("do not start thousands of items in one decision; the next one follows at once", () => {
    const items = Array.from({ length: 2_000 }, (_, index) => index);
    const run = new DrivenRun(flow({ rows: { each: "input", concurrency: 2_000 } }), items);
    const counts: number[] = [run.under.length];
    while (run.row.wakeAt === run.now) counts.push(run.advance().starts.length);
    assert.equal(run.under.length, 2_000);
    assert.ok(Math.max(...counts) <= 500, String(counts));
  });

  it("of steps that end at once do not make one decision of all iterations", () => {
    const action = { kind: "publish", topic: "t", type: "t", attributes: {} } as const;
    const run = new DrivenRun(flow({ many: { action, while: "iteration < 1000", max: 5_000 } }));
    while (run.row.wakeAt === run.now) run.advance();
    assert.equal(run.row.state, "done");
    assert.ok(run.decisions.length > 2 && run.decisions.every(({ entries }) => entries.length <= 510));
    assert.equal(run.decisions.flatMap(({ publishes }) => publishes).length, 1_000);
  });

  it("record what ends at once in the decision that begins it", () => {
    const action = { kind: "publish", topic: "t", type: "t", attributes: {} } as const;
    const run = new DrivenRun(flow({ all: { action, each: "input", concurrency: 9 } }), [1, 2, 3], {
      manyEntries: 3,
    });
    const [first] = run.decisions;
    assert.deepEqual(run.kinds(first!), ["listed all", "started all", "started all", "done all", "done all"]);
    run.advance();
    assert.equal(run.row.state, "done");
  });

  it("cost what is new: ten times the items take about ten times as long", function () {
    this.timeout(60_000);
    // The best of some, since others use the machine too. What looks at all items each time would take 100 times as long.
    const few = Math.min(...[1, 2, 3].map(() => timeOf(1_000)));
    const many = Math.min(...[1, 2, 3].map(() => timeOf(10_000)));
    assert.ok(many < 50 * few && many < 5_000, `1,000 items: ${few} ms, 10,000: ${many} ms`);
  });

  it("and 1,000 steps that all need one another", function () {
    this.timeout(60_000);
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
    const steps = Object.fromEntries(
      names.map((name, index) => [name, { needs: names.slice(0, index), with: {} }]),
    );
    const run = new QuickRun(flow(steps), {});
    const begin = performance.now();
    assert.equal(run.toEnd(), "done");
    assert.ok(performance.now() - begin < 5_000, `${performance.now() - begin} ms`);
  });
});

function timeOf(count: number): number {
  const items = Array.from({ length: count }, (_, index) => index);
  const run = new QuickRun(
    flow({ rows: { each: "input", concurrency: 100, with: { n: "${ item }" } } }),
    items,
  );
  const begin = performance.now();
  assert.equal(run.toEnd(), "done");
  return performance.now() - begin;
}
