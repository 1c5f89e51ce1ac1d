import assert from "node:assert/strict";
import { Harness, raw, send, textOf, until } from "../support/harness.ts";

describe("a call", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  it("reaches the function with its method, path, query and body, and brings its answer back", async () => {
    await harness.serve(async (request, response) => {
      const body = await textOf(request);
      response.writeHead(201, { "x-own": "yes" }).end(`${request.method} ${request.url} ${body}`);
    });
    const answer = await send(`${harness.url}/fn/echo/a/b?q=1`, { method: "POST", body: "hello" });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["x-own"], "yes");
    assert.equal(answer.body, "POST /a/b?q=1 hello");
  });

  it("shows the function / for the bare URL, with or without a query", async () => {
    await harness.serve((request, response) => response.end(request.url));
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "/");
    assert.equal((await send(`${harness.url}/fn/echo/`)).body, "/");
    assert.equal((await send(`${harness.url}/fn/echo?q=1`)).body, "/?q=1");
  });

  it("passes path and query on without decoding or encoding them", async () => {
    await harness.serve((request, response) => response.end(request.url));
    for (const path of [
      "/%2e%2e/%41?a=%20&b='x'|",
      "//double//slash",
      "/a/../b/./c",
      "/fn/echo/x",
      "/?a?b?c",
    ]) {
      const answer = await raw(
        harness.port,
        `GET /fn/echo${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
      );
      assert.ok(answer.endsWith(`\r\n\r\n${path}`), answer);
    }
  });

  it("passes any method on that HTTP/1.1 parsers know", async () => {
    await harness.serve((request, response) => response.end(request.method));
    for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "QUERY", "PURGE"]) {
      assert.equal((await send(`${harness.url}/fn/echo`, { method })).body, method);
    }
  });

  it("refuses TRACE and CONNECT with 405 and says what is allowed", async () => {
    await harness.serve((_, response) => response.end("reached"));
    const trace = await send(`${harness.url}/fn/echo`, { method: "TRACE" });
    assert.equal(trace.status, 405);
    assert.match(trace.headers.allow!, /GET/);
    const connect = await raw(
      harness.port,
      "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    );
    assert.match(connect, /^HTTP\/1\.1 405 .*"code":"method_not_allowed"/s);
  });

  it("accepts absolute-form targets, whose host wins", async () => {
    await harness.serve((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const request =
      "GET http://skiff.example:8080/fn/echo/x?y=http://z HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n";
    assert.match(await raw(harness.port, request), /\r\n\r\nskiff\.example:8080 \/x\?y=http:\/\/z$/);
  });

  it("answers 404 for names that are unknown or no names", async () => {
    await harness.serve((_, response) => response.end());
    for (const path of [
      "/fn/other",
      "/fn/",
      "/fn",
      "/fn/Echo",
      "/fn/%65cho",
      "/fn//echo",
      "/fn/echo%2f",
      "/fn/-",
      "/fn/__proto__",
    ]) {
      const answer = await send(`${harness.url}${path}`);
      assert.equal(answer.status, 404, path);
      assert.equal(JSON.parse(answer.body).code, "unknown_function");
      assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
      assert.equal(answer.headers["x-skiff-error"], "platform");
      assert.equal(answer.headers["x-skiff-call-id"], JSON.parse(answer.body).callId);
    }
  });

  it("answers HEAD with the head alone, also when the answer is a problem", async () => {
    await harness.serve((_, response) => response.writeHead(200, { "content-length": "5" }).end("hello"));
    const answer = await send(`${harness.url}/fn/echo`, { method: "HEAD" });
    assert.deepEqual([answer.status, answer.headers["content-length"], answer.body], [200, "5", ""]);
    const missing = await raw(harness.port, "HEAD /fn/no HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert.match(missing, /^HTTP\/1\.1 404 .*\r\n\r\n$/s);
  });

  for (const status of [204, 205, 304]) {
    it(`passes ${status} on without a body and keeps the connection usable`, async () => {
      await harness.serve((request, response) => {
        if (request.url === "/next") response.end("next");
        else response.writeHead(status).end();
      });
      const two =
        "GET /fn/echo HTTP/1.1\r\nHost: h\r\n\r\nGET /fn/echo/next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      const answer = await raw(harness.port, two);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\n\\r\\nHTTP/1\\.1 200 .*next$`, "s"));
    });
  }

  it("tells a client that expects 100 Continue to go on, and hides the expectation from the function", async () => {
    await harness.serve(async (request, response) => {
      response.end(`${request.headers.expect} ${await textOf(request)}`);
    });
    const socketAnswer = raw(
      harness.port,
      "POST /fn/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    );
    assert.match(await socketAnswer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK.*undefined ok$/s);
  });

  it("refuses a body that is too large before it is sent when the client expects 100 Continue", async () => {
    await harness.serve((_, response) => response.end());
    const head =
      "POST /fn/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n";
    const answer = await raw(harness.port, head, (text) => text.endsWith("\n"));
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  it("serves HTTP/1.0 clients, whose responses end with the connection", async () => {
    await harness.serve((_, response) => {
      response.write("a");
      setImmediate(() => response.end("b"));
    });
    const answer = await raw(harness.port, "GET /fn/echo HTTP/1.0\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
    assert.doesNotMatch(answer, /transfer-encoding/i);
    assert.match(answer, /\r\n\r\nab$/);
  });

  it("answers pipelined requests in order", async () => {
    await harness.serve((request, response) => {
      // The first one takes longer than the second.
      if (request.url === "/1") setImmediate(() => setImmediate(() => response.end("one")));
      else response.end("two");
    });
    const request = (path: string, more = "") => `GET /fn/echo/${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
    const answer = await raw(harness.port, request("1") + request("2", "Connection: close\r\n"));
    assert.match(answer, /one.*two/s);
  });

  it("gives every call an id of its own, the same to function and client", async () => {
    await harness.serve((request, response) => {
      response.setHeader("x-skiff-call-id", "forged");
      response.end(request.headers["x-skiff-call-id"]);
    });
    const first = await send(`${harness.url}/fn/echo`, { headers: { "x-skiff-call-id": "mine" } });
    const second = await send(`${harness.url}/fn/echo`);
    assert.match(first.body, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
    assert.equal(first.headers["x-skiff-call-id"], first.body);
    assert.notEqual(first.body, second.body);
  });

  it("is counted by class of status and duration", async () => {
    await harness.serve((request, response) => response.writeHead(Number(request.url!.slice(1))).end());
    for (const status of [200, 201, 302, 404, 500]) await send(`${harness.url}/fn/echo/${status}`);
    await until(() => harness.stats().durationCounts.reduce((a, b) => a + b) === 5, "five calls counted");
    const { answered, inFlight, durationSumMs } = harness.stats();
    assert.deepEqual(answered, [0, 0, 2, 1, 1, 1]);
    assert.equal(inFlight, 0);
    assert.ok(durationSumMs > 0);
  });
});
