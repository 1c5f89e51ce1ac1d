import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FlowRig, refuse } from "../support/flow-rig.ts";

const THREE = `
steps:
  one: {fn: add, with: "\${ input.n }"}
  two: {fn: add, with: "\${ steps.one.output }", needs: [one]}
  three: {fn: add, with: "\${ steps.two.output }", needs: [two]}
`;

describe("the engine of flows", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("add", ({ body }) => Number(body) + 1);
  });
  afterEach(() => rig.close());

  it("runs steps one after the other", async () => {
    await rig.put("three", THREE);
    const engine = await rig.start();
    const id = await rig.begin(engine, "three", { n: 1 });
    assert.equal(await rig.output(id), 4);
    assert.deepEqual(rig.calls(), ["add", "add", "add"]);
    const [first] = rig.received;
    assert.equal(first?.headers["idempotency-key"], `${id}.one.1`);
    assert.equal(first?.headers["skiff-run"], id);
    assert.equal(first?.headers["skiff-step"], "one");
    assert.equal(first?.headers["x-skiff-key"], "sk_kinternals_text");
    assert.match(String(first?.headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });

  it("runs steps side by side, and joins them", async () => {
    await rig.put(
      "join",
      `
steps:
  a: {fn: meet}
  b: {fn: meet}
  sum: {fn: add, with: "\${ steps.a.output + steps.b.output }", needs: [a, b]}
`,
    );
    let met = 0;
    const { promise: both, resolve } = Promise.withResolvers<void>();
    rig.functions.set("meet", async () => {
      if (++met === 2) resolve();
      await both;
      return 20;
    });
    assert.equal(await rig.output(await rig.begin(await rig.start(), "join")), 41);
  });

  it("calls the version that had traffic when the run began, or the present one if it is gone", async () => {
    await publish(rig.platform, draftOf("add", ""));
    await rig.put("three", THREE);
    const engine = await rig.start();
    rig.functions.set("add", ({ name, body }, response) =>
      name === "add@1" ? refuse(response, 404, "unknown_version") : Number(body) + 1,
    );
    assert.equal(await rig.output(await rig.begin(engine, "three", { n: 1 })), 4);
    assert.deepEqual(rig.calls(), ["add@1", "add", "add@1", "add", "add@1", "add"]);
  });

  it("makes a call again that the router refused, which is no attempt", async () => {
    await rig.put("three", THREE);
    let times = 0;
    rig.functions.set("add", ({ body }, response) =>
      times++ === 0 ? refuse(response, 503, "no_capacity") : Number(body) + 1,
    );
    const id = await rig.begin(await rig.start(), "three", { n: 1 });
    assert.equal(await rig.output(id), 4);
    assert.deepEqual(
      rig.received.slice(0, 2).map(({ headers }) => headers["idempotency-key"]),
      [`${id}.one.1`, `${id}.one.1`],
    );
  });

  it("retries what failed, and says why a run failed", async () => {
    await rig.put("fails", "steps: {a: {fn: bad, retry: {attempts: 2, backoff: 1ms}}}");
    rig.functions.set("bad", (_, response) => {
      response.writeHead(500, { "content-type": "application/problem+json" });
      return response.end('{"code": "card_declined", "detail": "No money."}');
    });
    const run = await rig.run(await rig.begin(await rig.start(), "fails"), "failed");
    assert.equal(run.step, "a");
    assert.deepEqual(run.error, {
      type: "card_declined",
      status: 500,
      message: 'The function "bad" answered 500: No money.',
    });
    assert.equal(rig.received.length, 2);
  });

  it("goes on with what another engine released, and calls nothing twice", async () => {
    await rig.put("three", THREE);
    const first = await rig.start();
    const { promise: held, resolve } = Promise.withResolvers<void>();
    const { promise: called, resolve: reached } = Promise.withResolvers<void>();
    let times = 0;
    rig.functions.set("add", async ({ body }) => {
      if (++times === 2) {
        reached();
        await held;
      }
      return Number(body) + 1;
    });
    const id = await rig.begin(first, "three", { n: 1 });
    await called;
    const closing = first.close({ drainMs: 5_000 });
    resolve();
    await closing;
    assert.equal((await rig.sqlite.runs.get(id))?.state, "running");
    await rig.start();
    assert.equal(await rig.output(id), 4);
    assert.equal(rig.received.length, 3);
  });

  it("keeps results until the store is back, and starts nothing without it", async () => {
    await rig.put("three", THREE);
    const engine = await rig.start();
    const { promise: called, resolve: reached } = Promise.withResolvers<void>();
    rig.functions.set("add", ({ body }) => {
      rig.away.add("append");
      reached();
      return Number(body) + 1;
    });
    const id = await rig.begin(engine, "three", { n: 1 });
    await called;
    await eventually("the append was tried", () => engine.counts.calls === 0);
    assert.equal(rig.received.length, 1);
    rig.functions.set("add", ({ body }) => Number(body) + 1);
    rig.away.delete("append");
    assert.equal(await rig.output(id), 4);
    assert.equal(rig.received.length, 3);
  });
});
