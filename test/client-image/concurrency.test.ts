import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import {
  BUSY_HEADER,
  CALL_ID_HEADER,
  GONE_HEADER,
  MOST_WAIT_MS,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  WAIT_HEADER,
} from "../../client-image/start-message.ts";
import type { Address } from "../../platform/platform.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, call, callFor } from "../support/instances/call-instance.ts";
import { HeldCall } from "../support/instances/held-call.ts";
import { closeOf, openSocket } from "../support/instances/instance-socket.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

/** Most waiting calls of an instance with `concurrency` 1. */
const MOST_WAITING = 101;
/** Within this a refusal has come at once; each wait of these tests is longer. */
const AT_ONCE_MS = 4_500;

/** What a test asks for by path; `seen` are the calls that reached the handler, in that order. */
const FUNCTION = `
  const seen = [];
  const encoder = new TextEncoder();
  export default async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/seen") return seen;
    seen.push(pathname);
    console.log("called", pathname);
    if (pathname.startsWith("/held")) return await request.text();
    if (pathname === "/echo") return request.body;
    if (pathname.startsWith("/never")) return await new Promise(() => {});
    if (pathname === "/drip") {
      return new ReadableStream({ start(controller) { controller.enqueue(encoder.encode("first")); } });
    }
    if (pathname === "/socket") return Deno.upgradeWebSocket(request).response;
    if (pathname === "/later") {
      return new Response("later", { status: 503, headers: { "x-skiff-busy": "1", "retry-after": "9" } });
    }
    const all = [request, request.clone(), new Request(request)];
    return all.map(({ headers }) => [...headers.keys()].filter((name) => name.startsWith("x-")).join());
  };`;

function rawConnection(address: Address, head: readonly string[]): Socket {
  const socket = connect((address as { unix: string }).unix);
  socket.write([...head, "Host: fn.example", "", ""].join("\r\n"));
  return socket;
}

describe("the concurrency of an instance", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const waiting = (waitMs: number) => ({ [WAIT_HEADER]: String(waitMs) });
  const one = async () => (await local.run(FUNCTION, { concurrency: 1 })).address;
  const probe = (address: Address, headers: Record<string, string> = {}) =>
    call(address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1", ...headers } });

  const isTaken = (address: Address) =>
    eventually("the place is taken", async () => isRefusal(await call(address, { path: "/seen" })));

  /** An instance whose one place is taken. */
  async function full(): Promise<{ address: Address; held: HeldCall }> {
    const address = await one();
    const held = new HeldCall(address, "/held", waiting(MOST_WAIT_MS));
    await isTaken(address);
    return { address, held };
  }

  /** A call that waits in the instance: that answers a probe only after it has what came before. */
  async function waiter(address: Address, path: string): Promise<HeldCall> {
    const held = new HeldCall(address, path, waiting(MOST_WAIT_MS));
    await once(held.request, "socket");
    await probe(address);
    return held;
  }

  const isFreeAgain = (address: Address) =>
    eventually("the place is free", async () => (await call(address, { path: "/seen" })).status === 200);

  it("is exact with many callers at a time, all of which are answered", async () => {
    const { address } = await local.run(
      `let now = 0, most = 0;
      export default async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        now--;
        return most;
      };`,
      { concurrency: 3 },
    );
    const headers = waiting(MOST_WAIT_MS);
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(address, { headers })));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(Math.max(...answers.map(({ text }) => Number(text))), 3);
  });

  it("is free again when an answer has arrived, whoever calls next", async () => {
    const { address } = await local.run(
      `export default (request) => request.url.endsWith("/later") ? Promise.resolve("hi") : new Response("hi");`,
      { concurrency: 1 },
    );
    for (const path of ["/", "/later"]) {
      for (let count = 0; count < 50; count++) assert.equal((await call(address, { path })).status, 200);
    }
  });

  it("refuses a call over it at once, with nothing of its body read", async () => {
    const { address, held } = await full();
    const refused = rawConnection(address, ["POST /more HTTP/1.1", "Content-Length: 1000000"]);
    const [head] = await once(refused, "data");
    refused.destroy();
    assert.match(String(head), /^HTTP\/1\.1 503 /);
    assert.match(String(head), /\r\nx-skiff-busy: 1\r\n/);
    assert.match(String(head), /\r\ncontent-length: 0\r\n/);
    assert.deepEqual(await held.end(), { status: 200, text: "body ended" });
    assert.equal((await call(address, { path: "/seen" })).text, `["/held"]`);
  });

  it("lets calls wait and admits them in order of arrival", async () => {
    const { address, held } = await full();
    const names = ["/held-1", "/held-2", "/held-3", "/held-4"];
    const waiters: HeldCall[] = [];
    for (const name of names) waiters.push(await waiter(address, name));
    assert.ok(isRefusal(await call(address)), "one that does not wait comes after those that do");
    await held.end();
    for (const each of waiters) assert.equal((await each.end()).status, 200);
    assert.deepEqual(JSON.parse((await call(address, { path: "/seen" })).text), ["/held", ...names]);
  });

  it("refuses a call that has waited for as long as it may", async () => {
    const { address, held } = await full();
    const startMs = performance.now();
    assert.ok(isRefusal(await call(address, { headers: waiting(100) })));
    assert.ok(performance.now() - startMs >= 99);
    await held.end();
  });

  for (const value of ["0", "-1", "1.5", "1e3", "soon", "", String(MOST_WAIT_MS + 1), "10, 20"]) {
    it(`lets no call wait for "${value}"`, async () => {
      const { address, held } = await full();
      const startMs = performance.now();
      assert.ok(isRefusal(await call(address, { headers: { [WAIT_HEADER]: value } })));
      assert.ok(performance.now() - startMs < AT_ONCE_MS);
      await held.end();
    });
  }

  it("refuses a call at once when too many wait", async () => {
    const { address, held } = await full();
    const headers = waiting(MOST_WAIT_MS);
    const controller = new AbortController();
    const options = { headers, signal: controller.signal };
    const waiters = Array.from({ length: MOST_WAITING }, () => callFor(address, options).catch(() => "left"));
    await probe(address);
    const startMs = performance.now();
    assert.ok(isRefusal(await call(address, { headers })));
    assert.ok(performance.now() - startMs < AT_ONCE_MS);
    controller.abort();
    assert.deepEqual(new Set(await Promise.all(waiters)), new Set(["left"]));
    await held.end();
    await isFreeAgain(address);
    assert.doesNotMatch((await call(address, { path: "/seen" })).text, /"\/"/);
  });

  it("forgets a call whose client leaves while it waits", async () => {
    const { address, held } = await full();
    const leaves = new AbortController();
    const { signal } = leaves;
    const left = callFor(address, { path: "/left", headers: waiting(MOST_WAIT_MS), signal });
    await probe(address);
    const next = await waiter(address, "/held-next");
    leaves.abort();
    await assert.rejects(left);
    await probe(address);
    await held.end();
    assert.equal((await next.end()).status, 200);
    assert.equal((await call(address, { path: "/seen" })).text, `["/held","/held-next"]`);
  });

  it("always leaves room for probes", async () => {
    const { address, held } = await full();
    assert.equal((await probe(address)).status, 204);
    await held.end();
  });

  it("counts a stream until its last byte", async () => {
    const address = await one();
    const streamed = new HeldCall(address, "/echo");
    const response = await streamed.response;
    await once(response, "data");
    assert.ok(isRefusal(await call(address)));
    streamed.request.end();
    await text(response);
    await isFreeAgain(address);
  });

  it("counts a WebSocket until it has closed", async () => {
    const address = await one();
    const socket = await openSocket(address, "/socket");
    assert.ok(isRefusal(await call(address)));
    const closed = closeOf(socket);
    socket.close(1000);
    await closed;
    await isFreeAgain(address);
  });

  it("counts a WebSocket until its connection breaks", async () => {
    const address = await one();
    const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
    const upgrade = ["GET /socket HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", ...key];
    const socket = rawConnection(address, upgrade);
    assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 101 /);
    assert.ok(isRefusal(await call(address)));
    socket.destroy();
    await isFreeAgain(address);
  });

  it("does not count a handler that goes on after its client left", async () => {
    const address = await one();
    const leaves = new AbortController();
    const options = { path: "/never", headers: waiting(MOST_WAIT_MS), signal: leaves.signal };
    const left = assert.rejects(callFor(address, options));
    await isTaken(address);
    const next = call(address, { headers: waiting(MOST_WAIT_MS), path: "/seen" });
    leaves.abort();
    await left;
    assert.equal((await next).text, `["/never"]`);
  });

  it("admits the next call when the client of one that has waited leaves", async () => {
    const { address, held } = await full();
    const leaves = new AbortController();
    const options = { path: "/never/long", headers: waiting(MOST_WAIT_MS), signal: leaves.signal };
    const left = assert.rejects(callFor(address, options));
    await probe(address);
    const next = await waiter(address, "/held-after");
    await held.end();
    await local.logged("called /never/long");
    leaves.abort();
    await left;
    assert.equal((await next.end()).status, 200);
  });

  it("finds the place of a client that left before anybody asked for one", async () => {
    const address = await one();
    const left = rawConnection(address, ["GET /never/to-be-left HTTP/1.1"]);
    await local.logged("called /never/to-be-left");
    left.destroy();
    // Answered, it has noticed what happened before.
    for (let count = 0; count < 3; count++) await probe(address);
    assert.equal((await call(address, { path: "/seen" })).text, `["/never/to-be-left"]`);
  });

  describe("after the client of a call with a body has left, which Deno does not notice", () => {
    const LARGE = "x".repeat(10_000);

    it("ends when the router gives the call up", async () => {
      const address = await one();
      const headers = { [CALL_ID_HEADER]: "c-1", "content-length": "10005" };
      const leaves = new HeldCall(address, "/never/with-body", headers);
      leaves.request.end(LARGE);
      await local.logged("called /never/with-body");
      leaves.request.destroy();
      assert.ok(isRefusal(await call(address)));
      await probe(address, { [GONE_HEADER]: "c-2" });
      assert.ok(isRefusal(await call(address)), "another call was given up");
      assert.equal((await probe(address, { [GONE_HEADER]: "c-1" })).status, 204);
      assert.equal((await call(address, { path: "/seen" })).text, `["/never/with-body"]`);
      await probe(address, { [GONE_HEADER]: "c-1" });
      const held = new HeldCall(address, "/held", waiting(MOST_WAIT_MS));
      await isTaken(address);
      await held.end();
    });

    it("forgets a waiting call when the router gives it up", async () => {
      const { address, held } = await full();
      const headers = { ...waiting(MOST_WAIT_MS), [CALL_ID_HEADER]: "c-1", "content-length": "10005" };
      const leaves = new HeldCall(address, "/left", headers);
      leaves.request.end(LARGE);
      await once(leaves.request, "finish");
      await probe(address);
      leaves.request.destroy();
      await probe(address, { [GONE_HEADER]: "c-1" });
      await held.end();
      assert.equal((await call(address, { path: "/seen" })).text, `["/held"]`);
    });
  });

  describe("a place that a router reserves", () => {
    const reserve = (address: Address, id: string, headers: Record<string, string> = {}) =>
      probe(address, { [PLACE_HEADER]: id, ...headers });

    it("is for the call with that id alone", async () => {
      const address = await one();
      const { status, headers } = await reserve(address, "c-1");
      assert.deepEqual([status, headers[PLACE_HEADER]], [204, "c-1"]);
      assert.ok(isRefusal(await call(address)));
      assert.ok(isRefusal(await call(address, { headers: { [CALL_ID_HEADER]: "c-2" } })));
      const held = new HeldCall(address, "/held/reserved", { [CALL_ID_HEADER]: "c-1" });
      await local.logged("called /held/reserved");
      assert.ok(isRefusal(await call(address)));
      assert.equal((await held.end()).status, 200);
      const seen = await call(address, { path: "/seen", headers: { [CALL_ID_HEADER]: "c-1" } });
      assert.equal(seen.text, `["/held/reserved"]`);
      const next = new HeldCall(address, "/held", waiting(MOST_WAIT_MS));
      await isTaken(address);
      await next.end();
    });

    it("is refused while none is free, or waited for", async () => {
      const { address, held } = await full();
      assert.ok(isRefusal(await reserve(address, "c-1")));
      assert.ok(isRefusal(await reserve(address, "c-1", waiting(50))));
      const reserved = reserve(address, "c-1", waiting(MOST_WAIT_MS));
      await probe(address);
      await held.end();
      assert.equal((await reserved).status, 204);
      assert.equal((await call(address, { headers: { [CALL_ID_HEADER]: "c-1" } })).status, 200);
    });

    it("is free again when the router gives the call up, or the call does not come", async () => {
      const address = await one();
      await reserve(address, "c-1");
      await probe(address, { [GONE_HEADER]: "c-1" });
      assert.equal((await reserve(address, "c-2")).status, 204);
      await isFreeAgain(address);
      assert.ok(!isRefusal(await call(address, { headers: { [CALL_ID_HEADER]: "c-2" } })));
    });
  });

  it("does not count a stream whose client left", async () => {
    const address = await one();
    const response = await callFor(address, { path: "/drip" });
    await once(response, "data");
    assert.ok(isRefusal(await call(address)));
    response.destroy();
    await isFreeAgain(address);
  });

  it("does not count what waitUntil was given", async () => {
    const { address } = await local.run(
      `export default (_, { waitUntil }) => { waitUntil(new Promise(() => {})); return "hi"; };`,
      { concurrency: 1 },
    );
    for (let count = 0; count < 2; count++) assert.equal((await call(address)).text, "hi");
  });

  it("counts calls that fail, and frees their places", async () => {
    const { address } = await local.run(
      `export default (request) => {
        if (request.url.endsWith("/sync")) throw new Error("at once");
        if (request.url.endsWith("/wrong")) return Response.error();
        return Promise.reject(new Error("later"));
      };`,
      { concurrency: 1 },
    );
    for (const path of ["/sync", "/wrong", "/async", "/sync", "/wrong", "/async"]) {
      assert.equal((await call(address, { path })).status, 500, path);
    }
  });

  it("holds for a program that serves by itself", async () => {
    const { address } = await local.run(
      `Deno.serve(async (request) => new Response(await request.text()));`,
      {
        concurrency: 1,
      },
    );
    const held = new HeldCall(address, "/", waiting(MOST_WAIT_MS));
    await isTaken(address);
    assert.equal((await held.end()).text, "body ended");
    assert.equal((await call(address)).status, 200);
  });

  it("shows its function nothing of the time to wait, whether the call waited or not", async () => {
    const { address, held } = await full();
    const headers = { ...waiting(MOST_WAIT_MS), "x-other": "stays" };
    const waited = call(address, { headers });
    await probe(address);
    await held.end();
    const all = JSON.stringify(["x-other", "x-other", "x-other"]);
    assert.equal((await waited).text, all);
    assert.equal((await call(address, { headers })).text, all);
  });

  it("lets no response of a function pass for a refusal", async () => {
    const { status, headers, text: body } = await call(await one(), { path: "/later" });
    assert.deepEqual(
      [status, headers[BUSY_HEADER], headers["retry-after"], body],
      [503, undefined, "9", "later"],
    );
  });
});

function isRefusal({ status, headers, text: body }: Answer): boolean {
  return status === 503 && headers[BUSY_HEADER] === "1" && body === "";
}
