import assert from "node:assert/strict";
import { Problem } from "../../platform/problems.ts";
import { call } from "../support/instances/call-instance.ts";
import { publish } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("the other forms of a module", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const name = `new URL(req.request.url).searchParams.get("name")`;
  const forms: Record<string, string> = {
    "{ req } with respondWith": `export default async ({ req }) => { await req.respondWith(new Response("hello " + ${name})); };`,
    "{ req, conn }": `export default function ({ conn, req }) {
      req.respondWith(new Response(conn.remoteAddr.transport === "tcp" ? "hello " + ${name} : ""));
    }`,
    "{ req } that returns": `export default async ({ req }) => new Response("hello " + ${name});`,
    "an event": `export default (event) => { const req = event; event.respondWith(new Response("hello " + ${name})); };`,
    "a listener for fetch": `addEventListener("fetch", (event) => {
      const req = event; event.respondWith(new Response("hello " + ${name})); });`,
    "a listener for fetch that answers later": `self.addEventListener("fetch", {
      handleEvent(event) { const req = event; event.respondWith((async () => "hello " + ${name})()); } });`,
    "Deno.listen with Deno.serveHttp": `
      const listener = Deno.listen({ port: 8000 });
      const serve = async (connection) => {
        for await (const req of Deno.serveHttp(connection)) await req.respondWith(new Response("hello " + ${name}));
      };
      (async () => { for await (const connection of listener) void serve(connection); })();`,
    "Deno.listen with nextRequest": `
      const listener = Deno.listen({ port: 8000 });
      (async () => {
        for (;;) {
          const http = Deno.serveHttp(await listener.accept());
          http.nextRequest().then((req) => req.respondWith(new Response("hello " + ${name})));
        }
      })();`,
    "Deno.serve after a while": `
      async function main() {
        await new Promise((resolve) => setTimeout(resolve, 3_500));
        Deno.serve((request) => { const req = { request }; return new Response("hello " + ${name}); });
      }
      main();`,
  };
  for (const [form, code] of Object.entries(forms)) {
    it(`serves ${form}`, async () => {
      const { address } = await local.run(code);
      for (const who of ["you", "me"]) {
        const answer = await call(address, { path: `/?name=${who}` });
        assert.deepEqual([answer.status, answer.text], [200, `hello ${who}`]);
      }
    });
  }

  it("logs an error after respondWith, and fails calls that nothing answers", async () => {
    const { address } = await local.run(`
      export default async ({ req }) => {
        if (req.request.url.endsWith("/fail")) throw new Error("before the answer");
        await req.respondWith(new Response("answered"));
        throw new Error("after the answer");
      };`);
    assert.equal((await call(address)).text, "answered");
    await local.logged("waitUntil: Error: after the answer");
    assert.equal((await call(address, { path: "/fail" })).status, 500);
    const { address: silent } = await local.run(`addEventListener("fetch", () => {});`);
    assert.equal((await call(silent)).status, 500);
    await local.logged("The fetch listener did not call event.respondWith");
  });

  it("refuses what is not HTTP on a connection of Deno.listen", async () => {
    const { address } = await local.run(`
      const listener = Deno.listen({ port: 8000 });
      (async () => {
        const connection = await listener.accept();
        const why = await Promise.try(() => connection.read(new Uint8Array(1))).catch((error) => error.message);
        const event = await Deno.serveHttp(connection).nextRequest();
        await event.respondWith(new Response(why));
      })();`);
    assert.match((await call(address)).text, /A function serves HTTP alone: pass the connection/);
  });

  it("keeps other listeners of the global", async () => {
    const { address } = await local.run(`
      let heard = 0;
      addEventListener("own", () => heard++);
      export default () => { dispatchEvent(new Event("own")); return heard; };`);
    assert.equal((await call(address)).text, "1");
  });

  it("names the form of a handler for Node, (request, response)", async () => {
    for (const body of ["response.status(200).json({})", "response.writeHead(200)", "response.end('hi')"]) {
      const { address } = await local.run(`export default function (request, response) { ${body}; }`);
      assert.equal((await call(address, { headers: { "x-skiff-call-id": "node" } })).status, 500);
    }
    await local.logged("This looks like a handler for Node, (request, response)");
  });

  it("fails at once without a handler, however long a start may take", async () => {
    const from = performance.now();
    const error = await publish(local.platform, draftOf("none", `setTimeout(() => {}, 50);`)).catch(
      (it) => it,
    );
    assert.ok(error instanceof Problem);
    assert.match(error.detail, /The module has no handler.*nothing is under way.*`await main\(\)`/s);
    assert.ok(performance.now() - from < 10_000);
  });
});

describe("variables of a module for Workers", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("are in the second argument of fetch, beside the context, whose members take precedence", async () => {
    const code = `export default { fetch: (request, env, context) =>
      [{ ...env }, typeof env.waitUntil, typeof env.signal, typeof context.KEY, env.function.version] };`;
    const { address } = await local.run(code, { env: { KEY: "abc", signal: "mine" } });
    const { text } = await call(address);
    assert.deepEqual(JSON.parse(text), [{ KEY: "abc" }, "function", "object", "undefined", 1]);
  });
});
