import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";
import { Harness, raw, send, textOf } from "../support/harness.ts";
import { RawInstance } from "../support/raw-instance.ts";

const GET = "GET /fn/echo/bad HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

describe("what passes the router as it is", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  /** An instance that answers `/bad` with these bytes. */
  async function answering(bytes: string): Promise<void> {
    const { server } = new RawInstance((socket) => socket.write(bytes, "latin1"));
    await harness.publish("echo", [await harness.listen(server)]);
  }

  const HINTS =
    "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\nx-own: \xe9\r\n\r\n";
  const REST = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

  it("are early hints, with all their fields, before the response", async () => {
    await answering(HINTS + HINTS + REST);
    const answer = await raw(harness.port, GET);
    assert.ok(answer.startsWith(`${HINTS}${HINTS}HTTP/1.1 200 OK\r\n`), answer);
    assert.ok(answer.endsWith("\r\n\r\nhi"));
  });

  it("are early hints that come long before the response", async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const { server } = new RawInstance(async (socket) => {
      socket.write(HINTS, "latin1");
      await go;
      socket.write(REST);
    });
    await harness.publish("echo", [await harness.listen(server)]);
    const answer = await raw(harness.port, GET, (text) => {
      if (text.endsWith("\r\n\r\n")) resolve();
      return text.endsWith("hi");
    });
    assert.match(answer, /^HTTP\/1\.1 103 Early Hints.*\r\n\r\nHTTP\/1\.1 200 OK/s);
  });

  it("are 102 Processing and unknown 1xx responses, but not 100 Continue that nobody waits for", async () => {
    await answering(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 X\r\nx-a: b\r\n\r\n${REST}`);
    assert.match(
      await raw(harness.port, GET),
      /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 199 .*x-a: b.*200 OK/s,
    );
  });

  it("are no early hints for a client of HTTP/1.0, which does not know them", async () => {
    await answering(HINTS + REST);
    assert.match(await raw(harness.port, "GET /fn/echo/bad HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 OK/);
  });

  for (const pause of ["in one packet", "one by one"]) {
    it(`are the trailers of a response that comes ${pause}`, async () => {
      const parts = [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "2\r\nhi\r\n",
        "0\r\nx-sum: 49f68a5c\r\nx-more: 1\r\n\r\n",
      ];
      const ends = ["\r\n\r\n", "hi\r\n"];
      let next = () => {};
      const { server } = new RawInstance((socket) => {
        if (pause === "in one packet") socket.write(parts.join(""));
        else {
          next = () => void socket.write(parts.shift() ?? "");
          next();
        }
      });
      await harness.publish("echo", [await harness.listen(server)]);
      // The next part comes when the client has the one before.
      const answer = await raw(harness.port, GET, (text) => {
        if (text.endsWith(ends[0] ?? "at the end")) {
          ends.shift();
          next();
        }
        return false;
      });
      assert.match(answer, /\r\n2\r\nhi\r\n0\r\nx-sum: 49f68a5c\r\nx-more: 1\r\n\r\n$/);
    });
  }

  const UPLOAD = "POST /fn/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";

  /** An instance that answers with the body and the trailers that it saw. */
  async function tellingTrailers(): Promise<void> {
    await harness.serve(async (request, response) => {
      const body = await textOf(request);
      response.end(JSON.stringify({ body, trailers: request.rawTrailers }));
    });
  }

  for (const [body, chunks] of [
    ["hello", "5\r\nhello\r\n"],
    ["", ""],
  ] as const) {
    it(`are the trailers of a request with ${body === "" ? "an empty body" : "a body"} in chunks`, async () => {
      await tellingTrailers();
      const trailers = "X-Sum: 49f68a5c\r\nx-more: \xe9\r\nx-more: 2\r\ncontent-digest: sha-256=:x:\r\n";
      const answer = await raw(
        harness.port,
        `${UPLOAD}Connection: close\r\n\r\n${chunks}0\r\n${trailers}\r\n`,
      );
      const seen = Buffer.from(answer.slice(answer.indexOf("{")), "latin1").toString();
      const list = ["X-Sum", "49f68a5c", "x-more", "\xe9", "x-more", "2", "content-digest", "sha-256=:x:"];
      assert.deepEqual(JSON.parse(seen), { body, trailers: list });
    });
  }

  it("are the trailers of a request that comes piece by piece", async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    await harness.serve(async (request, response) => {
      request.once("data", () => resolve());
      await textOf(request);
      response.end(JSON.stringify(request.trailers));
    });
    const request = http.request(`${harness.url}/fn/echo`, { method: "POST", agent: false });
    request.addTrailers({ "x-sum": "1" });
    request.write("hello");
    await arrived;
    request.end();
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    assert.equal(await textOf(response), '{"x-sum":"1"}');
  });

  it("are no trailers that say what only a header may: framing, routing, access, or what we say", async () => {
    await tellingTrailers();
    const names = [
      // Node refuses those that frame the request: the vectors of smuggling show it.
      ...["Content-Encoding", "Content-Type", "Content-Range"],
      ...["Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect"],
      ...["Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Range", "If-Match", "Cache-Control"],
      ...["Forwarded", "X-Forwarded-For", "x-forwarded-port", "x-skiff-call-id", "X-Skiff-Probe"],
      ...["Traceparent", "Tracestate", "X-Named", "Max-Forwards", "Pragma", "Set-Cookie"],
    ];
    const trailers = names.map((name) => `${name}: 1\r\n`).join("");
    const head = `${UPLOAD}Connection: close, x-named\r\n\r\n`;
    const answer = await raw(harness.port, `${head}2\r\nhi\r\n0\r\n${trailers}x-sum: 1\r\n\r\n`);
    assert.ok(answer.endsWith(JSON.stringify({ body: "hi", trailers: ["x-sum", "1"] })), answer);
  });

  it("are no trailers over the limit of a header block", async () => {
    await tellingTrailers();
    const answer = await raw(
      harness.port,
      `${UPLOAD}\r\n2\r\nhi\r\n0\r\nx-a: ${"a".repeat(harness.limits.headerBytes)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await harness.idle();
  });

  it("are ranges: the question, 206 with its part, and 416", async () => {
    const text = "0123456789";
    await harness.serve((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      if (Number(from) >= text.length)
        response.writeHead(416, { "content-range": `bytes */${text.length}` }).end();
      else {
        const fields = {
          "content-range": `bytes ${from}-${to}/${text.length}`,
          etag: String(request.headers["if-range"]),
        };
        response.writeHead(206, fields).end(text.slice(Number(from), Number(to) + 1));
      }
    });
    const part = await send(`${harness.url}/fn/echo`, { headers: { range: "bytes=2-4", "if-range": '"a"' } });
    assert.deepEqual([part.status, part.body, part.headers.etag], [206, "234", '"a"']);
    assert.equal(part.headers["content-range"], "bytes 2-4/10");
    const none = await send(`${harness.url}/fn/echo`, { headers: { range: "bytes=20-24" } });
    assert.deepEqual([none.status, none.headers["content-range"]], [416, "bytes */10"]);
  });

  it("are compressed bodies both ways, byte for byte", async () => {
    const plain = randomBytes(100_000).toString("hex");
    const packed = gzipSync(plain);
    await harness.serve(async (request, response) => {
      const { "content-encoding": coding = "", "accept-encoding": accepted = "" } = request.headers;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      response.writeHead(200, {
        "content-encoding": coding,
        "x-accepted": accepted,
        vary: "accept-encoding",
      });
      response.end(Buffer.concat(chunks));
    });
    const headers = {
      "content-encoding": "gzip",
      "accept-encoding": "gzip, br;q=0.5",
      "content-length": packed.length,
    };
    const request = http.request(`${harness.url}/fn/echo`, { method: "POST", agent: false, headers });
    request.end(packed);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(packed));
    assert.equal(gunzipSync(packed).toString(), plain);
    assert.equal(response.headers["x-accepted"], "gzip, br;q=0.5");
    assert.equal(response.headers["content-encoding"], "gzip");
    assert.equal(response.headers.vary, "accept-encoding");
  });

  it("is the length that HEAD asks for, also of what is in chunks", async () => {
    await harness.serve((request, response) => {
      if (request.url === "/length") response.setHeader("content-length", 1_000_000);
      else response.setHeader("transfer-encoding", "chunked");
      response.end();
    });
    const length = await send(`${harness.url}/fn/echo/length`, { method: "HEAD" });
    assert.equal(length.headers["content-length"], "1000000");
    const chunked = await send(`${harness.url}/fn/echo/chunks`, { method: "HEAD" });
    assert.deepEqual([chunked.status, chunked.headers["content-length"], chunked.body], [200, undefined, ""]);
  });
});
