import assert from "node:assert/strict";
import { spanIdOf } from "../../../flows/traces/span-ids.ts";
import { parentIdOf, traceIdOf } from "../../../http/traceparent.ts";
import { FakeTracer } from "../support/fake-tracer.ts";
import { FlowRig, refuse } from "../support/flow-rig.ts";

describe("the spans of the engine", () => {
  let rig: FlowRig;
  const tracer = new FakeTracer();
  beforeEach(async () => {
    tracer.spans.length = 0;
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("ok", () => 1);
  });
  afterEach(() => rig.close());

  const spanOf = (name: string) => {
    const [span, ...more] = tracer.spans.filter((each) => each.name === name);
    assert.ok(
      span !== undefined && more.length === 0,
      `${name} among ${tracer.spans.map((each) => each.name)}`,
    );
    return span;
  };
  const parentOf = (field: unknown) => [traceIdOf(String(field)), parentIdOf(String(field))];

  it("are the parents of what steps call, publish and begin", async () => {
    await rig.put("child", "steps: {deep: {fn: ok}}");
    await rig.put("it", "steps: {call: {fn: ok}, note: {publish: told}, sub: {flow: child}}");
    await rig.output(await rig.begin(await rig.start({ tracer }), "it"));
    const { traceId } = spanOf("flow it");
    const [call] = rig.received.filter(({ headers }) => headers["skiff-step"] === "call");
    assert.deepEqual(parentOf(call!.headers.traceparent), [traceId, spanOf("step call").spanId]);
    const [event] = await rig.store.topics.read("told", 0, 2);
    assert.deepEqual(parentOf(event!.attributes.traceparent), [traceId, spanOf("step note").spanId]);
    assert.deepEqual(
      [spanOf("flow child").traceId, spanOf("flow child").parentId],
      [traceId, spanOf("step sub").spanId],
    );
    assert.equal(spanOf("step deep").parentId, spanOf("flow child").spanId);
  });

  it("are one for an attempt that Skiff made again because it could not be made at first", async () => {
    let calls = 0;
    rig.functions.set("late", (_, response) => (calls++ === 0 ? refuse(response, 503, "no_capacity") : 1));
    await rig.put("it", "steps: {one: {fn: late}}");
    await rig.output(await rig.begin(await rig.start({ tracer }), "it"));
    assert.equal(calls, 2);
    const fields = rig.received.map(({ headers }) => parentIdOf(String(headers.traceparent)));
    assert.deepEqual(fields, [spanOf("step one").spanId, spanOf("step one").spanId]);
  });

  it("of a run that is retried after its end are below a second span of the run", async () => {
    let isBroken = true;
    rig.functions.set("broken", (_, response) => {
      if (!isBroken) return 2;
      return response.writeHead(400).end();
    });
    await rig.put("it", "steps: {one: {fn: ok}, two: {fn: broken, needs: [one]}}");
    const id = await rig.begin(await rig.start({ tracer }), "it");
    await rig.run(id, "failed");
    isBroken = false;
    assert.ok(await rig.store.runs.reopen({ run: id, signal: { kind: "retry", by: "token" } }, Date.now()));
    assert.equal(await rig.output(id), 2);
    const [first, second, ...more] = tracer.spans.filter(({ name }) => name === "flow it");
    assert.equal(more.length, 0);
    assert.deepEqual([first!.spanId, first!.attributes["skiff.state"]], [spanIdOf(id), "failed"]);
    assert.deepEqual([second!.parentId, second!.attributes["skiff.state"]], [spanIdOf(id), "done"]);
    assert.deepEqual(
      tracer.spans.filter(({ name }) => name === "step two").map(({ parentId }) => parentId),
      [first!.spanId, second!.spanId],
    );
  });
});
