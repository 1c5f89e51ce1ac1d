import assert from "node:assert/strict";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { call, callFor } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("the shapes of a module", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const shapes: Record<string, string> = {
    "an object with fetch": `export default { fetch(request) { return new Response("hi"); } };`,
    "an object with an async fetch": `export default { async fetch(request) { return new Response("hi"); } };`,
    "an instance whose fetch uses this": `
      class App { #text = "hi"; fetch() { return new Response(this.#text); } }
      export default new App();`,
    "a plain function": `export default function () { return new Response("hi"); }`,
    "an async function": `export default async () => { await new Promise((r) => setTimeout(r, 1)); return "hi"; };`,
    "a module that waits at its top level": `
      await new Promise((resolve) => setTimeout(resolve, 5));
      export default () => "hi";`,
    "Deno.serve with a handler": `Deno.serve(() => new Response("hi"));`,
    "Deno.serve with options and a handler": `Deno.serve({ port: 4000, hostname: "0.0.0.0" }, () => new Response("hi"));`,
    "Deno.serve with a handler in its options": `Deno.serve({ port: 4000, handler: () => new Response("hi") });`,
    "Deno.serve after a wait at the top level": `
      await new Promise((resolve) => setTimeout(resolve, 5));
      Deno.serve(() => new Response("hi"));`,
    "Deno.serve some time after the module was loaded": `setTimeout(() => Deno.serve(() => new Response("hi")), 20);`,
    "Deno.serve whose end the module waits for": `
      const server = Deno.serve(() => new Response("hi"));
      await server.finished;`,
    "Deno.serve beside a default export": `Deno.serve(() => new Response("hi")); export default () => "no";`,
  };
  for (const [shape, code] of Object.entries(shapes)) {
    it(`serves ${shape}`, async () => {
      const { address } = await local.run(code);
      const answer = await call(address);
      assert.deepEqual([answer.status, answer.text], [200, "hi"]);
    });
  }

  it("passes the context to fetch as its second and its third argument, as Workers and Deno do", async () => {
    const { address } = await local.run(`
      export default { fetch: (request, env, context) => [env.function.version, typeof context.waitUntil] };`);
    assert.equal((await call(address)).text, `[1,"function"]`);
  });

  it("calls onListen of Deno.serve with an address", async () => {
    const { address } = await local.run(`
      let heard;
      Deno.serve({ onListen: (address) => { heard = address; } }, () => Response.json(heard));`);
    assert.deepEqual(JSON.parse((await call(address)).text), {
      transport: "tcp",
      hostname: "0.0.0.0",
      port: 8000,
    });
  });

  it("reports the address that the options of Deno.serve name, and what else a server has", async () => {
    const { address } = await local.run(`
      const heard = [];
      const options = { port: 3000, hostname: "127.0.0.1", onListen: (address) => heard.push(address) };
      const server = Deno.serve(options, () => Response.json([
        heard, server.addr, server.finished instanceof Promise, typeof server[Symbol.asyncDispose],
      ]));
      server.unref();
      server.ref();`);
    const addr = { transport: "tcp", hostname: "127.0.0.1", port: 3000 };
    assert.deepEqual(JSON.parse((await call(address)).text), [[addr], addr, true, "function"]);
  });

  it("ends with its server: finished resolves after shutdown", async () => {
    const { address } = await local.run(`
      const server = Deno.serve(() => { setTimeout(() => server.shutdown(), 10); return new Response("last"); });
      server.finished.then(() => console.log("the server has finished"));`);
    assert.equal((await call(address)).text, "last");
    await local.logged("the server has finished");
  });

  it("compresses by the option automaticCompression of Deno.serve, where the client accepts it", async () => {
    const { address } = await local.run(`
      Deno.serve({ automaticCompression: true }, (request) => {
        const headers = { "content-type": request.url.endsWith("/image") ? "image/png" : "text/plain", etag: '"1"' };
        return new Response("text ".repeat(500), { headers });
      });`);
    const accepts = { "accept-encoding": "br;q=0.5, gzip" };
    const response = await callFor(address, { headers: accepts });
    assert.deepEqual(
      [response.headers["content-encoding"], response.headers.vary, response.headers.etag],
      ["gzip", "accept-encoding", 'W/"1"'],
    );
    assert.equal(gunzipSync(await buffer(response)).toString(), "text ".repeat(500));
    for (const call of [
      {},
      { headers: { "accept-encoding": "gzip;q=0" } },
      { path: "/image", headers: accepts },
    ]) {
      const plain = await callFor(address, call);
      assert.equal(plain.headers["content-encoding"], undefined);
      assert.equal((await buffer(plain)).toString(), "text ".repeat(500));
    }
  });

  it("lets onError of Deno.serve answer for a handler that throws", async () => {
    const { address } = await local.run(`
      const onError = (error) => new Response(error.message, { status: 418 });
      Deno.serve({ onError }, async () => { throw new Error("a teapot"); });`);
    const answer = await call(address);
    assert.deepEqual([answer.status, answer.text], [418, "a teapot"]);
  });

  it("gives the handler of Deno.serve an info with the client's address", async () => {
    const { address } = await local.run(`Deno.serve((_, info) => Response.json(info.remoteAddr));`);
    const answer = await call(address, { headers: { "x-forwarded-for": "10.1.1.1, 198.51.100.7" } });
    assert.equal(JSON.parse(answer.text).hostname, "198.51.100.7");
  });

  it("gives the handler of Deno.serve an info that tells when the response was delivered", async () => {
    const { address } = await local.run(`
      let completed = false;
      let finish;
      Deno.serve((request, info) => {
        if (request.url.endsWith("/completed")) return new Response(String(completed));
        if (request.url.endsWith("/finish")) return new Response(finish());
        info.completed.then(() => { completed = true; });
        return new Response(new ReadableStream({ start(to) { finish = () => to.close(); } }));
      });`);
    const response = await callFor(address);
    assert.equal((await call(address, { path: "/completed" })).text, "false");
    await call(address, { path: "/finish" });
    response.resume();
    await once(response, "end");
    await eventually(
      "it is completed",
      async () => (await call(address, { path: "/completed" })).text === "true",
    );
  });

  it("refuses a second Deno.serve with an error that says why", async () => {
    const { address } = await local.run(`
      let refused;
      Deno.serve(() => new Response(refused.message));
      try { Deno.serve(() => new Response("second")); } catch (error) { refused = error; }`);
    assert.match((await call(address)).text, /one server: Deno\.serve was called already/);
  });
});
