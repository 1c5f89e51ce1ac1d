import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, type Dispatcher } from "undici";
import { exchange, type Outgoing } from "../../calling/exchange.ts";
import { bytesOf } from "../../calling/stored-bodies.ts";
import { fieldOf } from "../../http/fields.ts";
import { storeUnavailable } from "../../store/unavailable.ts";
import { MemoryBodies } from "../events/support/memory-bodies.ts";

describe("the exchange of a request", () => {
  let server: Server;
  let listener: RequestListener;
  let agent: Agent;
  let bodies: MemoryBodies;
  beforeEach(async () => {
    bodies = new MemoryBodies();
    agent = new Agent();
    listener = (_, response) => void response.end();
    server = createServer((request, response) => listener(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(async () => {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
  });

  const send = (more: Partial<Outgoing> = {}, mostBytes = 200_000) => {
    const { port } = server.address() as AddressInfo;
    const common = {
      dispatcher: agent,
      origin: `http://127.0.0.1:${port}`,
      path: "/x",
      method: "POST",
      headers: [],
    };
    const times = { headMs: 5_000, answerMs: 5_000, signal: new AbortController().signal };
    const body = { inline: new Uint8Array() };
    return exchange({ ...common, ...times, body, ...more }, { bodies, mostBytes, trustsMark: true });
  };

  it("keeps repeated fields of the answer, and none of the connection or of Skiff", async () => {
    listener = (_, response) => {
      const fields = ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Skiff-Call-Id", "c1", "Date", "now"];
      response.writeHead(201, [...fields, "Content-Length", "2"]).end("ok");
    };
    const { sent, answer, callId } = await send();
    assert.deepEqual(answer!.headers, ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Date", "now"]);
    assert.deepEqual([answer!.status, answer!.isCut, callId], [201, false, "c1"]);
    assert.ok("response" in sent && sent.response.text === "ok");
  });

  it("keeps the length that a HEAD asks for", async () => {
    listener = (_, response) => void response.writeHead(200, { "content-length": "7" }).end();
    const { answer } = await send({ method: "HEAD" });
    assert.equal(fieldOf(answer!.headers, "content-length"), "7");
    assert.equal(bytesOf(answer!.body), 0);
  });

  it("streams a large body, and keeps a large answer beside the row", async () => {
    const stored = Buffer.alloc(1_000_000, "abc");
    bodies.stored.set("large", stored);
    listener = (request, response) => void request.pipe(response);
    const { answer } = await send({ body: { id: "large", bytes: stored.length } }, 2_000_000);
    assert.ok("id" in answer!.body);
    assert.ok(stored.equals(bodies.stored.get(answer!.body.id)!));
    assert.equal(answer!.isCut, false);
  });

  for (const [size, kept] of [
    [65_536, 65_536],
    [65_537, 65_537],
    [200_000, 200_000],
    [200_001, 200_000],
    [5_000_000, 200_000],
  ] as const) {
    it(`keeps ${kept} of ${size} bytes`, async () => {
      listener = (_, response) => void response.end(Buffer.alloc(size));
      const { answer } = await send();
      const bytes = "id" in answer!.body ? answer!.body.bytes : answer!.body.inline.length;
      assert.deepEqual([bytes, answer!.isCut], [kept, kept < size]);
    });
  }

  it("keeps what fits in a row if less is allowed, or the store is away", async () => {
    listener = (_, response) => void response.end(Buffer.alloc(100_000));
    const small = (await send({}, 10)).answer!;
    assert.ok("inline" in small.body && small.body.inline.length === 10 && small.isCut);
    bodies.failure = storeUnavailable("it is stopped");
    const { answer } = await send();
    assert.ok("inline" in answer!.body && answer!.body.inline.length === 65_536 && answer!.isCut);
  });

  it("tells a request that reached nobody from one that was broken off", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    const unreached = await send({ origin: `http://127.0.0.1:${port}` });
    assert.ok("unreached" in unreached.sent && /ECONNREFUSED/.test(unreached.sent.unreached));
    listener = (request) => request.socket.destroy();
    assert.ok("broken" in (await send()).sent);
    listener = (request, response) => response.write("half", () => request.socket.destroy());
    const half = await send();
    assert.ok("broken" in half.sent && half.answer === undefined);
  });

  it("takes a connection that was lost for a request that may have arrived", async () => {
    const failing = (error: Error) =>
      send({ dispatcher: { request: () => Promise.reject(error) } as unknown as Dispatcher });
    for (const code of ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]) {
      const lost = Object.assign(new Error(`read ${code}`), { code, syscall: "read" });
      assert.ok("broken" in (await failing(lost)).sent, code);
      const never = Object.assign(new Error(`connect ${code}`), { code, syscall: "connect" });
      assert.ok("unreached" in (await failing(never)).sent, code);
      const ofAll = Object.assign(new AggregateError([never, never]), { code });
      assert.ok("unreached" in (await failing(ofAll)).sent, code);
    }
  });

  it("gives up an answer that does not begin or end in time", async () => {
    listener = () => {};
    const begin = await send({ headMs: 30 });
    assert.ok("broken" in begin.sent && /did not begin within 30 ms/.test(begin.sent.broken));
    listener = (_, response) => void response.write("x");
    const end = await send({ answerMs: 30 });
    assert.ok("broken" in end.sent && /did not end within 30 ms/.test(end.sent.broken));
  });

  it("waits with a body that cannot be read now, and refuses one that is gone", async () => {
    const body = { id: "gone", bytes: 10 };
    const gone = await send({ body });
    assert.ok("forbidden" in gone.sent && /cannot be read: the body gone is gone/.test(gone.sent.forbidden));
    bodies.failure = storeUnavailable("it is stopped");
    assert.ok("postponed" in (await send({ body })).sent);
  });

  it("refuses a request that cannot be written", async () => {
    const { sent } = await send({ headers: ["x-bad", "a\nb"] });
    assert.ok("forbidden" in sent, JSON.stringify(sent));
  });

  it("sends a body with any method", async () => {
    listener = (request, response) => void request.pipe(response.setHeader("x-method", request.method!));
    for (const method of ["GET", "DELETE", "PATCH", "REPORT"]) {
      const { answer } = await send({ method, body: { inline: Buffer.from("body") } });
      assert.ok("inline" in answer!.body);
      assert.deepEqual([answer!.headers[1], Buffer.from(answer!.body.inline).toString()], [method, "body"]);
    }
  });

  it("reads what Skiff says in its problems", async () => {
    let fields = {};
    listener = (_, response) => {
      response.writeHead(503, { "x-skiff-error": "platform", "retry-after": "3", ...fields });
      response.end(JSON.stringify({ code: "no_capacity", detail: "No instance was free." }));
    };
    const text = "No instance was free.";
    const head = { status: 503, code: "no_capacity", retryAfterMs: 3_000, text };
    assert.deepEqual((await send()).sent, { response: { ...head, isUnforwarded: false } });
    fields = { "x-skiff-unforwarded": "true" };
    assert.deepEqual((await send()).sent, { response: { ...head, isUnforwarded: true } });
  });
});
