import assert from "node:assert/strict";
import type http from "node:http";
import { isTraceparent, parentIdOf, traceIdOf } from "../../../http/traceparent.ts";
import { OtlpReceiver, type ReceivedSpan } from "../../support/otlp-receiver.ts";
import { Harness, type HarnessOptions, send, until } from "../support/harness.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const SERVER = 2;
const ERROR = 2;

describe("the spans of calls", () => {
  let receiver: OtlpReceiver;
  let harness: Harness;
  let seen: http.IncomingHttpHeaders = {};
  const note: http.RequestListener = (request, response) => {
    seen = request.headers;
    response.writeHead(Number.parseInt(request.url!.slice(1), 10) || 200).end();
  };
  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
  });
  afterEach(async () => {
    await harness.close();
    receiver.close();
  });

  async function start(env: Record<string, string> = {}, options: HarnessOptions = {}): Promise<void> {
    harness = await Harness.start({ ...options, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env } });
  }

  /** What was received when the router has closed. */
  async function spans(): Promise<readonly ReceivedSpan[]> {
    await harness.close();
    return receiver.spans;
  }

  it("are exported with what is known of the call, when the router closes at the latest", async () => {
    await start({
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x,x-two=2",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    });
    await harness.serve(note);
    const answer = await send(`${harness.url}/fn/echo/201?secret=1`, { headers: { "user-agent": "test/1" } });
    const [span, ...more] = await spans();
    assert.deepEqual(more, []);
    assert.deepEqual([span!.name, span!.kind, span!.parentSpanId], ["fn echo", SERVER, undefined]);
    assert.deepEqual(span!.attributes, {
      "http.request.method": "GET",
      "url.path": "/fn/echo/201",
      "url.scheme": "http",
      "http.response.status_code": 201,
      "network.protocol.version": "1.1",
      "client.address": "127.0.0.1",
      "user_agent.original": "test/1",
      "faas.trigger": "http",
      "faas.name": "echo",
      "faas.version": "1",
      "faas.instance": "fake-2",
      "faas.coldstart": false,
      "faas.invocation_id": answer.headers["x-skiff-call-id"],
    });
    assert.ok(BigInt(span!.endTimeUnixNano) > BigInt(span!.startTimeUnixNano));
    assert.equal(seen.traceparent, `00-${span!.traceId}-${span!.spanId}-01`);
    assert.deepEqual(receiver.resource, { "service.name": "skiff", "deployment.environment.name": "test" });
    const [request] = receiver.requests;
    assert.equal(request!.path, "/v1/traces");
    assert.deepEqual([request!.headers.authorization, request!.headers["x-two"]], ["Bearer x", "2"]);
    assert.match(request!.headers["content-type"]!, /^application\/json/);
  });

  it("are part of the caller's trace, and parents of the instance's spans", async () => {
    await start();
    await harness.serve(note);
    await send(`${harness.url}/fn/echo`, {
      headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=1" },
    });
    const [span] = await spans();
    assert.deepEqual([span!.traceId, span!.parentSpanId], [TRACE, PARENT]);
    assert.equal(seen.traceparent, `00-${TRACE}-${span!.spanId}-01`);
    assert.equal(seen.tracestate, "a=1");
  });

  it("are not recorded where the caller did not; its traceparent goes on as it came", async () => {
    await start();
    await harness.serve(note);
    const given = `00-${TRACE}-${PARENT}-00`;
    await send(`${harness.url}/fn/echo`, { headers: { traceparent: given } });
    assert.deepEqual(await spans(), []);
    assert.equal(seen.traceparent, given);
  });

  it("are those of the share that is asked for, and the instance is told which", async () => {
    await start({ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" });
    await harness.serve(note);
    await send(`${harness.url}/fn/echo`);
    assert.ok(isTraceparent(seen.traceparent as string) && (seen.traceparent as string).endsWith("-00"));
    await send(`${harness.url}/fn/echo`, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
    const all = await spans();
    assert.deepEqual(
      all.map(({ traceId }) => traceId),
      [TRACE],
    );
  });

  it("tell failures, and what was refused", async () => {
    await start();
    await harness.publish("echo", [
      await harness.instance((request, response) =>
        request.url === "/break" ? response.destroy() : note(request, response),
      ),
    ]);
    for (const path of ["echo/500", "echo/404", "echo/break", "nothing"])
      await send(`${harness.url}/fn/${path}`);
    const all = await spans();
    assert.deepEqual(
      all.map(({ name, status, attributes }) => [name, status.code ?? 0, attributes["error.type"]]),
      [
        ["fn echo", ERROR, "500"],
        ["fn echo", 0, undefined],
        ["fn echo", ERROR, "instance_failed"],
        ["GET", 0, undefined],
      ],
    );
  });

  it("have the wait for an instance as a child, with the steps of its start", async () => {
    let starts = 0;
    await start(
      {},
      {
        start: () => (starts++ === 0 ? { unix: "/nonexistent" } : harness.instance(note)),
        wakeSteps: [
          { name: "api", atMs: 1 },
          { name: "start", atMs: 3 },
        ],
      },
    );
    await harness.publish("echo", []);
    await send(`${harness.url}/fn/echo`);
    const all = await spans();
    const call = all.find(({ name }) => name === "fn echo")!;
    const wait = all.find(({ name }) => name === "wait")!;
    assert.equal(call.attributes["faas.coldstart"], true);
    assert.deepEqual([wait.traceId, wait.parentSpanId], [call.traceId, call.spanId]);
    assert.equal(wait.startTimeUnixNano, call.startTimeUnixNano);
    assert.ok(BigInt(wait.endTimeUnixNano) <= BigInt(call.endTimeUnixNano));
    assert.deepEqual(
      wait.events.map(({ name }) => name),
      ["wake.api", "wake.start"],
    );
    assert.equal(wait.events[1]!.timeUnixNano, wait.endTimeUnixNano);
  });

  it("do not touch calls when their receiver fails: that is counted, and said once", async () => {
    await start();
    receiver.status = 400;
    await harness.serve(note);
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 600; i++) assert.equal((await send(`${harness.url}/fn/echo`)).status, 200);
      await until(() => harness.router.totals().spansDropped >= round * 512, "spans are lost");
    }
    const said = harness.lines.filter((line) =>
      line.includes("spans cannot be exported to http://127.0.0.1:"),
    );
    assert.equal(said.length, 1, harness.lines.join("\n"));
  });

  it("begin for every call when none is given, each with a trace of its own", async () => {
    await start();
    await harness.serve(note);
    const traces = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await send(`${harness.url}/fn/echo`);
      const parent = seen.traceparent as string;
      traces.add(traceIdOf(parent));
      assert.notEqual(parentIdOf(parent), PARENT);
    }
    assert.equal(traces.size, 3);
    assert.equal((await spans()).length, 3);
  });
});
