import assert from "node:assert/strict";
import { RunSpans } from "../../flows/traces/run-spans.ts";
import { runTraceparent, spanIdOf } from "../../flows/traces/span-ids.ts";
import { isSampled, parentIdOf, traceIdOf } from "../../http/traceparent.ts";
import type { Begun, Entry } from "../../platform/flows/run/entry.ts";
import { flow } from "./support/definitions.ts";
import { FakeTracer } from "./support/fake-tracer.ts";

const GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED = GIVEN.replace(/01$/, "00");
const NEW = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

describe("the trace that a run keeps", () => {
  const kept = (
    given: string | undefined,
    { isFirst = false, tracer }: { isFirst?: boolean; tracer?: FakeTracer | undefined },
  ) => runTraceparent({ run: "r", given, isFirst, next: () => NEW }, tracer);

  it("is that of its caller, who decides whether it is recorded", () => {
    for (const given of [GIVEN, UNSAMPLED]) assert.equal(kept(given, { tracer: new FakeTracer() }), given);
    assert.equal(kept(UNSAMPLED, { tracer: new FakeTracer(true) }), GIVEN);
    assert.equal(kept(GIVEN, { tracer: new FakeTracer(false) }), UNSAMPLED);
    assert.equal(kept(GIVEN, {}), GIVEN);
  });

  it("is a new one without a caller, and names the span of the run", () => {
    for (const [tracer, sampled] of [
      [new FakeTracer(), true],
      [new FakeTracer(false), false],
      [undefined, false],
    ] as const) {
      const field = kept(undefined, { tracer });
      assert.deepEqual(
        [traceIdOf(field), parentIdOf(field), isSampled(field)],
        [traceIdOf(NEW), spanIdOf("r"), sampled],
      );
    }
  });

  it("begins with the run of a schedule, whose firing is no span", () => {
    const field = kept(UNSAMPLED, { isFirst: true, tracer: new FakeTracer() });
    assert.deepEqual(
      [traceIdOf(field), parentIdOf(field), isSampled(field)],
      [traceIdOf(GIVEN), spanIdOf("r"), true],
    );
  });
});

describe("the spans of a run", () => {
  const begun = (traceparent: string): Begun => ({
    ...{ kind: "begun", at: 1_000, run: "r", definition: flow({ a: {}, b: {} }), version: 3, functions: {} },
    ...{ trigger: { kind: "api", by: "token" }, input: { json: null }, depth: 0, traceparent },
  });
  const started = (step: string, at: number, attempt = 1): Entry => ({ kind: "started", at, step, attempt });
  const output = { json: null };
  const error = { type: "500", status: 500, message: "It failed." };

  it("are none where it is not recorded", () => {
    assert.equal(RunSpans.of(begun(UNSAMPLED), new FakeTracer()), undefined);
    assert.equal(RunSpans.of(begun(GIVEN), undefined), undefined);
  });

  it("have the times of entries, also of those that another owner stored", () => {
    const tracer = new FakeTracer();
    const spans = RunSpans.of(begun(GIVEN), tracer, [begun(GIVEN), started("a", 1_010)])!;
    spans.stored([
      { kind: "done", at: 1_020, step: "a", attempt: 1, output, callId: "c" },
      started("b", 1_020),
    ]);
    spans.stored([
      { kind: "failed", at: 1_030, step: "b", attempt: 1, error },
      { kind: "stepFailed", at: 1_030, step: "b", error },
      { kind: "ended", at: 1_040, state: "failed", step: "b", error },
    ]);
    assert.deepEqual(
      tracer.spans.map(({ name, startedAt, endedAt, parentId, isError }) => {
        return [name, startedAt, endedAt, parentId, isError];
      }),
      [
        ["step a", 1_010, 1_020, spanIdOf("r"), false],
        ["step b", 1_020, 1_030, spanIdOf("r"), true],
        ["flow flow", 1_000, 1_040, parentIdOf(GIVEN), true],
      ],
    );
    assert.equal(tracer.spans[0]!.spanId, parentIdOf(spans.traceparentOf("r.a.1")));
    assert.equal(tracer.spans[0]!.attributes["faas.invocation_id"], "c");
  });

  it("are those of any name that a step may have", () => {
    const tracer = new FakeTracer();
    const action = { kind: "wait", forMs: 1 } as const;
    const definition = flow({ a: {} }, { finally: { constructor: { action } } });
    const spans = RunSpans.of({ ...begun(GIVEN), definition }, tracer)!;
    spans.stored([
      started("constructor", 1_010),
      { kind: "done", at: 1_020, step: "constructor", attempt: 1, output },
    ]);
    assert.equal(tracer.spans[0]!.attributes["skiff.action"], "wait");
  });

  it("end with the run where a result is of no interest any more", () => {
    const tracer = new FakeTracer();
    const spans = RunSpans.of(begun(GIVEN), tracer)!;
    spans.stored([
      started("a", 1_010),
      { kind: "cancelling", at: 1_020, by: "token" },
      { kind: "ended", at: 1_020, state: "cancelled", by: "token" },
    ]);
    assert.deepEqual(
      tracer.spans.map(({ name, endedAt, attributes }) => [name, endedAt, attributes["skiff.state"]]),
      [
        ["step a", 1_020, "cancelled"],
        ["flow flow", 1_020, "cancelled"],
      ],
    );
  });

  it("of a run that was reopened are parts of a span of their own, whoever stored that", () => {
    const tracer = new FakeTracer();
    const before: Entry[] = [
      { kind: "ended", at: 1_040, state: "failed", step: "b", error },
      { kind: "reopened", at: 2_000, by: "token" },
    ];
    const spans = RunSpans.of(begun(GIVEN), tracer, before)!;
    spans.stored([started("b", 2_000, 2)]);
    spans.stored([
      { kind: "done", at: 2_010, step: "b", attempt: 2, output },
      { kind: "ended", at: 2_020, state: "done", output },
    ]);
    const [step, whole] = tracer.spans;
    assert.deepEqual([whole!.parentId, whole!.startedAt, whole!.endedAt], [spanIdOf("r"), 2_000, 2_020]);
    assert.notEqual(whole!.spanId, spanIdOf("r"));
    assert.equal(step!.parentId, whole!.spanId);
  });
});
