import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { call, callFor } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("the request that a function sees", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("has the client's URL, also on clones and on requests made of it", async () => {
    const { address } = await local.run(`
      export default (request) => [
        request.url, request.clone().url, new Request(request).url, new URL(request.url).protocol,
        new Request("http://other.example/", request).url,
      ];`);
    const { text } = await call(address, { path: "/a%20b?c=%2F", headers: { host: "fn.example:8080" } });
    const url = "http://fn.example:8080/a%20b?c=%2F";
    assert.deepEqual(JSON.parse(text), [url, url, url, "http:", "http://other.example/"]);
  });

  it("has method, headers and body as the client sent them", async () => {
    const { address } = await local.run(`
      export default async (request) =>
        [request.method, request.headers.get("x-some"), await request.text(), request.body !== null];`);
    const { text } = await call(address, { method: "PATCH", headers: { "x-some": "a, b" }, body: "hällo" });
    assert.deepEqual(JSON.parse(text), ["PATCH", "a, b", "hällo", true]);
  });

  it("never is the platform's probe", async () => {
    const { address } = await local.run(`let calls = 0; export default () => ++calls;`);
    const path = "/.well-known/skiff-probe";
    assert.equal((await call(address, { path, headers: { "x-skiff-probe": "1" } })).status, 204);
    assert.equal((await call(address)).text, "1");
    assert.equal((await call(address, { path })).text, "2");
  });

  it("streams both ways, chunk by chunk", async () => {
    const { address } = await local.run(`
      export default (request) => {
        const shout = new TransformStream({
          transform: (chunk, to) => to.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())),
        });
        return new Response(request.body.pipeThrough(shout));
      };`);
    const asked = request({ socketPath: (address as { unix: string }).unix, method: "POST", agent: false });
    asked.flushHeaders();
    const responded = once(asked, "response");
    for (const [index, chunk] of ["one", "two", "three"].entries()) {
      asked.write(chunk);
      const [response] = index === 0 ? await responded : [undefined];
      if (response) asked.once("close", () => response.destroy());
      const source = response ?? (asked as unknown as { res: NodeJS.ReadableStream }).res;
      // The next chunk is written only when the answer to this one has arrived.
      assert.equal(String((await once(source, "data"))[0]), chunk.toUpperCase());
    }
    asked.end();
  });

  it("answers with the first chunk while the rest is being made", async () => {
    const { address } = await local.run(`
      let release;
      export default (request) => {
        if (request.url.endsWith("/release")) return release() ?? "released";
        return new Response(new ReadableStream({
          start(controller) {
            const send = (text) => controller.enqueue(new TextEncoder().encode(text));
            send("first");
            release = () => { send("last"); controller.close(); };
          },
        }));
      };`);
    const response = await callFor(address);
    assert.equal(String((await once(response, "data"))[0]), "first");
    const last = once(response, "data");
    await call(address, { path: "/release" });
    assert.equal(String((await last)[0]), "last");
  });
});
