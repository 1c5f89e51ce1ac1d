import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { FlowRig } from "../support/flow-rig.ts";

const ITEMS = 60;
const MANY = 2_000;
const EACH = `
steps:
  rows: {fn: add, each: input.rows, concurrency: 5, with: "\${ item }"}
  sum: {fn: add, with: "\${ size(steps.rows.output) }", needs: [rows]}
output: "\${ [steps.rows.output, steps.sum.output] }"
`;

describe("loops of flows", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("add", ({ body }) => Number(body) + 1);
    await rig.put("each", EACH);
  });
  afterEach(() => rig.close());

  const rows = Array.from({ length: ITEMS }, (_, n) => n);
  const expected = [rows.map((n) => n + 1), ITEMS + 1];

  it("call a function once for each item", async () => {
    assert.deepEqual(await rig.output(await rig.begin(await rig.start(), "each", { rows })), expected);
    assert.equal(rig.received.length, ITEMS + 1);
  });

  it("do not wait for the store between items, whose results need fewer appends", async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    let appends = 0;
    rig.onAppend = async () => {
      // The first one may store the list.
      if (appends++ !== 1) return;
      await eventually("all items were called during one append", () => rig.received.length === ITEMS);
      go();
    };
    const id = await rig.begin(await rig.start(), "each", { rows });
    await held;
    assert.deepEqual(await rig.output(id), expected);
    assert.equal(rig.received.length, ITEMS + 1);
    assert.ok(appends < 10, `${appends} appends`);
  });

  it("call no further item while the store is away", async () => {
    const engine = await rig.start();
    rig.functions.set("add", ({ body }) => {
      if (body === "20") rig.away.add("append");
      return Number(body) + 1;
    });
    // More than are called while one append takes its time.
    const many = Array.from({ length: MANY }, (_, n) => n);
    const id = await rig.begin(engine, "each", { rows: many });
    await eventually("the store was tried", () => rig.received.length > 20 && engine.counts.calls === 0);
    const { length: before } = rig.received;
    assert.ok(before < MANY, `${before} calls`);
    rig.away.delete("append");
    rig.functions.set("add", ({ body }) => Number(body) + 1);
    assert.deepEqual(await rig.output(id), [many.map((n) => n + 1), MANY + 1]);
    assert.equal(rig.received.length, MANY + 1);
  });

  it("repeat what a crash may have cut off with the same keys, and nothing that was stored", async () => {
    const first = await rig.start();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    rig.functions.set("add", ({ body }) => {
      if (body === "30") resolve(first.close({ drainMs: 0 }));
      return Number(body) + 1;
    });
    const id = await rig.begin(first, "each", { rows });
    await closed;
    const results = (await rig.entries(id)).filter(({ kind }) => kind === "done").length;
    assert.ok(results > 0 && results < ITEMS);
    await rig.start();
    assert.deepEqual(await rig.output(id), expected);
    const keys = Map.groupBy(rig.received, ({ headers }) => String(headers["idempotency-key"]));
    assert.equal(keys.size, ITEMS + 1);
    assert.ok(rig.received.length <= ITEMS + 1 + 5, `${rig.received.length} calls`);
  });

  it("run while a condition holds", async () => {
    await rig.put(
      "pages",
      'steps: {page: {fn: add, while: "last == null || last < 25", max: 100, with: "${ last == null ? 0 : last }"}}',
    );
    assert.equal(await rig.output(await rig.begin(await rig.start(), "pages")), 25);
    assert.equal(rig.received.length, 25);
  });
});
