import assert from "node:assert/strict";
import { FlowRig } from "../support/flow-rig.ts";

const ROWS = Array.from({ length: 5 }, (_, n) => n);
const OUTPUTS = ROWS.map((n) => String(n).repeat(80_000));
const ALL = JSON.stringify(OUTPUTS);

describe("a list whose outputs together are more than expressions read", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig({ limits: { flowOutputBytes: 200_000 } });
    await rig.listen();
    rig.functions.set("make", ({ body }) => OUTPUTS[Number(body)]);
    rig.functions.set("take", ({ body }) => body === ALL);
  });
  afterEach(() => rig.close());

  it("is handed on whole, also as the output of the run", async () => {
    await rig.put(
      "large",
      `
steps:
  a: {fn: make, each: input, with: "\${ item }"}
  b: {fn: take, with: "\${ steps.a.output }", needs: [a]}
  c: {fn: take, needs: [a]}
output: "\${ [steps.a.state, steps.b.output, steps.c.output] }"
`,
    );
    await rig.put("whole", `steps: {a: {fn: make, each: input, with: "\${ item }"}}`);
    const engine = await rig.start();
    assert.deepEqual(await rig.output(await rig.begin(engine, "large", ROWS)), ["done", true, true]);
    const whole = await rig.output(await rig.begin(engine, "whole", ROWS));
    assert.equal((whole as { bytes: number }).bytes, ALL.length);
  });

  it("is a fault of the expression that reads it, and of no step before", async () => {
    await rig.put(
      "read",
      `
steps:
  a: {fn: make, each: input, with: "\${ item }"}
  b: {fn: take, with: "\${ size(steps.a.output) }", needs: [a]}
`,
    );
    const engine = await rig.start();
    const run = await rig.run(await rig.begin(engine, "read", ROWS), "failed");
    assert.equal(run.step, "b");
    assert.match(run.error!.message, /`steps.a.output` is application\/json of \d+ bytes/);
  });
});
