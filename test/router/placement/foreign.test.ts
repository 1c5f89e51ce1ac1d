import assert from "node:assert/strict";
import http from "node:http";
import { Harness, send, textOf, until } from "../support/harness.ts";

const SERVES = { runtime: "image", concurrency: 2, max: 1 };

describe("a foreign server behind the router", () => {
  let harness: Harness;
  /** Every request that reached it. */
  const seen: http.IncomingMessage[] = [];
  let running = 0;
  let most = 0;

  before(async () => {
    harness = await Harness.start();
    const server = http.createServer(async (request, response) => {
      seen.push(request);
      most = Math.max(most, ++running);
      const body = await textOf(request);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
      if (request.url === "/break") request.socket.destroy();
      else if (request.url === "/busy") response.writeHead(503, { "x-skiff-busy": "1" }).end("mine");
      else response.end(`${request.url} ${body.length}`);
    });
    await harness.publish("foreign", [await harness.listen(server, { answersProbes: false })], SERVES);
  });
  after(() => harness.close());
  beforeEach(() => void seen.splice(0));

  const call = (path: string, options = {}) => send(`${harness.url}/fn/foreign${path}`, options);
  const sawOnly = (...paths: string[]) => {
    assert.deepEqual(
      seen.map(({ url }) => url),
      paths,
    );
    const fields = seen.flatMap(({ headers }) => Object.keys(headers));
    assert.deepEqual(
      fields.filter((name) => /^x-skiff-(?!call-id$)/.test(name)),
      [],
    );
  };

  it("gets a long body without being asked for a place", async () => {
    const options = {
      method: "POST",
      body: "x".repeat(200_000),
      headers: { "transfer-encoding": "chunked" },
    };
    assert.equal((await call("/long", options)).body, "/long 200000");
    sawOnly("/long");
  });

  it("may answer like an instance of Skiff that is busy", async () => {
    const { status, body } = await call("/busy");
    assert.deepEqual([status, body], [503, "mine"]);
    sawOnly("/busy");
  });

  it("gets no more calls at a time than its concurrency, and none that waits inside", async () => {
    most = 0;
    const answers = await Promise.all(Array.from({ length: 8 }, () => call("/many")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(most, 2);
    sawOnly(...Array.from({ length: 8 }, () => "/many"));
  });

  it("is not asked for a sign of life after it broke a call off", async () => {
    assert.equal((await call("/break", { method: "POST", body: "x" })).status, 502);
    assert.equal((await call("/next")).status, 200);
    sawOnly("/break", "/next");
  });

  it("is not notified when a client leaves", async () => {
    const leaving = http.request(`${harness.url}/fn/foreign/left`, { method: "POST" });
    leaving.on("error", () => {});
    leaving.write("x");
    await until(() => seen.length === 1, "the call has arrived");
    leaving.destroy();
    await harness.idle("foreign");
    assert.equal((await call("/after")).status, 200);
    sawOnly("/left", "/after");
  });
});
