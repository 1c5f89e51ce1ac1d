import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const HEADERS = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: "vendor=1" };
const JSON_TYPE = { "content-type": "application/json" };
const ECHO = `export default (request) => {
  const { headers } = request;
  return Response.json({ traceparent: headers.get("traceparent"), tracestate: headers.get("tracestate") });
};`;

interface Trace {
  readonly traceparent: string;
  readonly tracestate: string | null;
}

describe("a trace", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    assert.equal((await skiff.deploy("echo", ECHO)).status, 201);
  });
  after(() => skiff.close());

  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${skiff.url}${path}`, { method: "POST", ...init });
  /** What the function of a call answered, once it has ended. */
  const answerOf = async (location: string): Promise<Trace> => {
    const { state } = (await (await fetch(`${skiff.url}${location}?wait=30s`)).json()) as { state: string };
    assert.equal(state, "done");
    return (await (await fetch(`${skiff.url}${location}/result`)).json()) as Trace;
  };

  it("goes from the caller of an asynchronous call to the function", async () => {
    const { headers } = await send("/async/fn/echo", { headers: HEADERS });
    const { traceparent, tracestate } = await answerOf(headers.get("location")!);
    assert.equal(traceparent.slice(3, 35), TRACE);
    assert.equal(tracestate, HEADERS.tracestate);
  });

  it("goes from the publisher of an event to its subscriber", async () => {
    const spec = JSON.stringify({ topic: "traced", function: "echo" });
    assert.equal(
      (await send("/subscription/traced", { method: "PUT", headers: JSON_TYPE, body: spec })).status,
      201,
    );
    const response = await send("/topic/traced/call", { headers: HEADERS, body: "x" });
    assert.equal(response.status, 200, await response.clone().text());
    assert.equal(((await response.json()) as Trace).traceparent.slice(3, 35), TRACE);
  });

  it("begins with each firing of a schedule", async () => {
    const spec = JSON.stringify({ cron: "@yearly", call: { function: "echo" } });
    assert.equal(
      (await send("/schedule/traced", { method: "PUT", headers: JSON_TYPE, body: spec })).status,
      201,
    );
    const traces = [];
    for (let firing = 0; firing < 2; firing++) {
      const { status, headers } = await send("/schedule/traced/run");
      assert.equal(status, 202);
      const { traceparent } = await answerOf(headers.get("location")!);
      assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
      traces.push(traceparent.slice(3, 35));
    }
    assert.notEqual(traces[0], traces[1]);
  });
});
