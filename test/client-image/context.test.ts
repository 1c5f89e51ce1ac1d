import assert from "node:assert/strict";
import { once } from "node:events";
import { call, callFor } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("the context of a call", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("has the call id, the function and the client's address", async () => {
    const { address } = await local.run(`
      export default (_, { callId, function: { name, version }, remoteAddr }) =>
        ({ callId, name, version, remoteAddr });`);
    const headers = { "x-skiff-call-id": "c-1", "x-forwarded-for": "192.0.2.1" };
    const seen = JSON.parse((await call(address, { headers })).text);
    assert.match(seen.name, /^f\d+$/);
    assert.deepEqual(seen, {
      callId: "c-1",
      name: seen.name,
      version: 1,
      remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 0 },
    });
  });

  it("has the path before that of the request", async () => {
    const { address } = await local.run("export default (_, { basePath }) => [basePath];");
    for (const [headers, expected] of [
      [{ "x-forwarded-prefix": "/fn/shop" }, "/fn/shop"],
      [{}, ""],
    ] as const) {
      assert.deepEqual(JSON.parse((await call(address, { headers })).text), [expected]);
    }
  });

  it("cannot be changed for the calls beside it", async () => {
    const { address } = await local.run(`
      export default (_, context) => {
        try { context.function.name = "other"; } catch { /* frozen: that is the point */ }
        return context.function.name;
      };`);
    assert.notEqual((await call(address)).text, "other");
  });

  it("has a signal that stays silent when the call ends as it should", async () => {
    const { address } = await local.run(`
      let signal;
      export default (request, context) => {
        if (request.url.endsWith("/then")) return [signal.aborted];
        ({ signal } = context);
        signal.addEventListener("abort", () => console.log("aborted a call that ended well"));
        return request.url.endsWith("/stream") ? new Blob(["a".repeat(100_000)]).stream() : "done";
      };`);
    for (const path of ["/", "/stream"]) {
      await call(address, { path });
      assert.equal((await call(address, { path: "/then" })).text, "[false]", path);
    }
    assert.doesNotMatch(local.log, /ended well|legacy/);
  });

  it("has a signal that aborts when the client goes before the answer", async () => {
    const { address } = await local.run(`
      export default (request, { signal }) => {
        console.log("waits");
        return new Promise((resolve) => signal.addEventListener("abort", () => {
          console.log("the client went");
          resolve("nobody reads this");
        }));
      };`);
    const leaving = new AbortController();
    const gone = assert.rejects(callFor(address, { signal: leaving.signal }));
    await local.logged("waits");
    leaving.abort();
    await gone;
    await local.logged("the client went");
  });

  it("has a signal that aborts when the client goes amid the body, whose stream is cancelled", async () => {
    const { address } = await local.run(`
      export default (request, { signal }) => {
        signal.addEventListener("abort", () => console.log("left amid the body"));
        let timer;
        return new ReadableStream({
          start(controller) { timer = setInterval(() => controller.enqueue(new Uint8Array(1000)), 5); },
          cancel() { clearInterval(timer); console.log("cancelled the stream"); },
        });
      };`);
    const response = await callFor(address);
    await once(response, "data");
    response.destroy();
    await local.logged("left amid the body");
    await local.logged("cancelled the stream");
  });

  it("logs what fails after the answer, and the instance lives", async () => {
    const { address } = await local.run(`
      export default (_, { waitUntil }) => {
        waitUntil(Promise.reject(new Error("background trouble")));
        return "answered";
      };`);
    assert.equal((await call(address)).text, "answered");
    await local.logged("waitUntil: Error: background trouble");
    assert.equal((await call(address)).text, "answered");
  });

  it("may be wrapped, as libraries do", async () => {
    const { address } = await local.run(`
      export default (_, context) =>
        [Object.create(context, { own: { value: 1 } }), new Proxy(context, {})].map((each) => {
          each.waitUntil(Promise.resolve());
          return [each.callId, each.function.version, each.signal.aborted, each.remoteAddr.transport];
        });`);
    const { text } = await call(address, { headers: { "x-skiff-call-id": "id" } });
    assert.deepEqual(JSON.parse(text), new Array(2).fill(["id", 1, false, "tcp"]));
  });
});
