import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const HEADERS = { traceparent: `00-${TRACE}-${PARENT}-01` };
const ERROR = 2;

const ECHO = `export default (request) =>
  request.headers.get("skiff-attempt") === "1" && request.url.endsWith("/flaky")
    ? new Response("not yet", { status: 503 })
    : Response.json(request.headers.get("traceparent"));`;
const SLOW = `export default async () => {
  console.log("under way");
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  return Response.json("slow");
};`;
const INNER = `
steps:
  deep: {fn: echo}
`;
const OUTER = `
steps:
  first: {fn: echo}
  flaky: {fn: {name: echo, path: /flaky}, needs: [first], retry: {attempts: 2, backoff: 10ms}}
  items: {fn: echo, each: "[1, 2]", needs: [first]}
  inner: {flow: inner, needs: [first]}
  fails: {fn: nothing, needs: [flaky, items, inner]}
`;
const LONG = `
steps:
  first: {fn: echo}
  slow: {fn: slow, needs: [first]}
  person: {approve: Go on, needs: [first]}
  last: {fn: echo, needs: [slow, person]}
output: "\${ steps.last.output }"
`;

describe("the trace of a run", function () {
  this.timeout(60_000);
  let receiver: OtlpReceiver;
  let folder: string;
  let skiff: StartedSkiff;
  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
    folder = mkdtempSync(join(tmpdir(), "skiff-traces-"));
    await start();
    for (const [name, source] of [
      ["echo", ECHO],
      ["slow", SLOW],
    ] as const)
      assert.equal((await skiff.deploy(name, source)).status, 201);
    for (const [name, body] of [
      ["inner", INNER],
      ["outer", OUTER],
      ["long", LONG],
    ] as const) {
      const put = await fetch(`${skiff.url}/flow/${name}`, { method: "PUT", body });
      assert.equal(put.status, 201, await put.text());
    }
  });
  afterEach(async () => {
    await skiff.close();
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, SKIFF_DRAIN: "300ms" };
    skiff = await startedSkiff({ env, dataFolder: folder });
  }

  const post = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${skiff.url}${path}`, { method: "POST", headers });
  const named = (name: string) => receiver.spans.filter((span) => span.name === name);
  const one = (name: string): ReceivedSpan => {
    const [span, ...more] = named(name);
    assert.ok(span !== undefined && more.length === 0, `${name}: ${named(name).length} spans`);
    return span;
  };
  /** The spans of a function in order, each with the name of the span that it is part of. */
  const parentsOf = (name: string) =>
    named(name)
      .map(({ parentSpanId }) => receiver.spans.find(({ spanId }) => spanId === parentSpanId)?.name)
      .sort();

  it("leads from the client over the run and its attempts to the functions", async () => {
    const response = await post("/flow/outer/run?wait=20s", HEADERS);
    const { status, run } = (await response.json()) as { status: number; run: { id: string } };
    assert.equal(status, 502);
    await skiff.close();
    for (const { name, traceId } of receiver.spans) assert.equal(traceId, TRACE, name);

    const root = one("flow outer");
    assert.equal(root.parentSpanId, PARENT);
    assert.equal(root.status.code, ERROR);
    assert.deepEqual(root.attributes, {
      "skiff.flow": "outer",
      "skiff.flow.version": 1,
      "skiff.run": run.id,
      "skiff.trigger": "api",
      "skiff.state": "failed",
      "skiff.step": "fails",
      "error.type": "unknown_function",
    });
    const flaky = named("step flaky").map(({ attributes, parentSpanId, status }) => [
      ...[attributes["skiff.attempt"], attributes["skiff.state"], attributes["error.type"]],
      ...[parentSpanId, status.code ?? 0],
    ]);
    assert.deepEqual(flaky.sort(), [
      [1, "failed", "server_error", root.spanId, ERROR],
      [2, "done", undefined, root.spanId, 0],
    ]);
    assert.deepEqual(
      named("step items")
        .map(({ attributes }) => attributes["skiff.item"])
        .sort(),
      [0, 1],
    );
    assert.deepEqual(parentsOf("flow inner"), ["step inner"]);
    assert.equal(one("step deep").parentSpanId, one("flow inner").spanId);
    assert.deepEqual(parentsOf("fn echo"), [
      ...["step deep", "step first", "step flaky", "step flaky", "step items", "step items"],
    ]);
    for (const span of receiver.spans.filter(
      ({ name }) => name.startsWith("step ") && name !== "step deep",
    )) {
      assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(root.startTimeUnixNano), span.name);
      assert.ok(BigInt(span.endTimeUnixNano) <= BigInt(root.endTimeUnixNano), span.name);
    }
  });

  it("begins with the run if nobody sent one, and goes on after a restart", async () => {
    const begun = await post("/flow/long/run");
    const [run, traceparent] = ["skiff-run", "traceparent"].map((name) => begun.headers.get(name)!);
    const read = async () => {
      const { state, steps } = (await (await fetch(`${skiff.url}/flow/long/run/${run}`)).json()) as {
        state: string;
        steps: Record<string, { state: string }>;
      };
      return { state, slow: steps.slow!.state, person: steps.person!.state };
    };
    await eventually("two steps are under way", async () => {
      const { slow, person } = await read();
      return slow === "running" && person === "waiting";
    });
    await eventually("the call is there", () => skiff.lines.join().includes("[slow] under way"));
    await skiff.close();
    assert.deepEqual(named("flow long"), []);
    await start();
    assert.equal((await post(`/flow/long/run/${run}/approve?step=person`)).status, 202);
    await eventually("the run is done", async () => (await read()).state === "done");
    await skiff.close();

    const root = one("flow long");
    assert.equal(root.parentSpanId, undefined);
    assert.equal(traceparent, `00-${root.traceId}-${root.spanId}-01`);
    for (const { name, traceId } of receiver.spans.filter(({ name }) => name !== "GET" && name !== "POST"))
      assert.equal(traceId, root.traceId, name);
    for (const step of ["first", "slow", "person", "last"]) {
      assert.equal(one(`step ${step}`).parentSpanId, root.spanId);
      assert.equal(one(`step ${step}`).attributes["skiff.state"], "done");
    }
    // The call that the stop broke off, and the one after it, are the same attempt.
    assert.deepEqual(parentsOf("fn slow"), ["step slow", "step slow"]);
    const [slow, restarted] = [one("step slow"), named("fn slow")[1]!];
    assert.ok(BigInt(slow.startTimeUnixNano) < BigInt(restarted.startTimeUnixNano));
  });
});
