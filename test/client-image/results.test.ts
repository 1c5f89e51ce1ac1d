import assert from "node:assert/strict";
import { call } from "../support/instances/call-instance.ts";
import { nodeProgram } from "../support/instances/node-program.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

interface Row {
  readonly result: string;
  readonly status?: number;
  readonly type?: string;
  readonly text: string;
}

const rows: Record<string, Row> = {
  "a text": { result: `"hü"`, type: "text/plain;charset=UTF-8", text: "hü" },
  "an empty text": { result: `""`, type: "text/plain;charset=UTF-8", text: "" },
  "an object": { result: `{ a: [1] }`, type: "application/json", text: `{"a":[1]}` },
  "an array": { result: `[]`, type: "application/json", text: "[]" },
  zero: { result: "0", type: "application/json", text: "0" },
  false: { result: "false", type: "application/json", text: "false" },
  bytes: { result: "new Uint8Array([104, 105])", type: "application/octet-stream", text: "hi" },
  "an ArrayBuffer": {
    result: "new Uint8Array([104, 105]).buffer",
    type: "application/octet-stream",
    text: "hi",
  },
  "a DataView": {
    result: "new DataView(new Uint8Array([104, 105]).buffer)",
    type: "application/octet-stream",
    text: "hi",
  },
  "a stream": { result: `new Blob(["hi"]).stream()`, type: "application/octet-stream", text: "hi" },
  "a Blob": { result: `new Blob(["<p>"], { type: "text/html" })`, type: "text/html", text: "<p>" },
  "form parameters": {
    result: `new URLSearchParams({ a: "1" })`,
    type: "application/x-www-form-urlencoded;charset=UTF-8",
    text: "a=1",
  },
  nothing: { result: "undefined", status: 204, text: "" },
  null: { result: "null", status: 204, text: "" },
  "a Response": { result: `new Response("no", { status: 402 })`, status: 402, text: "no" },
};

describe("what a handler returns", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("becomes a response by its type, also from a promise", async () => {
    const results = Object.entries(rows).map(([name, { result }]) => `${JSON.stringify(name)}: ${result}`);
    const { address } = await local.run(`
      export default (request) => {
        const { pathname, search } = new URL(request.url);
        const value = ({ ${results.join(",\n")} })[decodeURIComponent(pathname.slice(1))];
        return search === "?async" ? Promise.resolve(value) : value;
      };`);
    for (const [name, { status = 200, type, text }] of Object.entries(rows)) {
      for (const search of ["", "?async"]) {
        const answer = await call(address, { path: `/${encodeURIComponent(name)}${search}` });
        assert.deepEqual([answer.status, answer.text], [status, text], name + search);
        if (type) assert.equal(answer.headers["content-type"]?.replace("; ", ";"), type, name);
      }
    }
  });

  for (const [what, code] of Object.entries({
    "of node-fetch": `class Headers extends URLSearchParams {}
      class Response {
        status = 201; statusText = "Made"; size = 0;
        headers = new Headers({ "x-made": "yes" });
        body = Readable.from(["ma", "de"]);
        async arrayBuffer() {}
      }`,
    "of undici": `class Response {
        status = 201; statusText = "Made";
        headers = new Map([["x-made", "yes"]]);
        body = new Blob(["made"]).stream();
        async arrayBuffer() {}
      }`,
    "with arrayBuffer alone": `class Response {
        status = 201; statusText = "Made"; headers = { "x-made": "yes" };
        async arrayBuffer() { return new TextEncoder().encode("made").buffer; }
      }`,
  })) {
    it(`may be a Response of another class, such as one ${what}`, async () => {
      const { address } = await local.run(`
        import { Readable } from "node:stream";
        ${code}
        export default () => new Response();`);
      const answer = await call(address);
      assert.deepEqual([answer.status, answer.headers["x-made"], answer.text], [201, "yes", "made"]);
    });
  }

  it("may be a Response of the real package undici, without a body too", async () => {
    const { address } = await local.run(
      await nodeProgram(`
        import { Response } from "undici";
        export default () => new Response(null, { status: 204, headers: { "x-made": "yes" } });`),
    );
    const answer = await call(address);
    assert.deepEqual([answer.status, answer.headers["x-made"], answer.text], [204, "yes", ""]);
  });

  it("may be a native Response after the program replaced the global, as @hono/node-server does", async () => {
    const { address } = await local.run(`
      const Native = Response;
      globalThis.Response = class Response {};
      export default (request) => {
        if (request.url.endsWith("/throw")) throw new Error("with a response of its own");
        return request.url.endsWith("/text") ? "text" : new Native("native");
      };`);
    const texts = await Promise.all(["/", "/text"].map(async (path) => (await call(address, { path })).text));
    assert.deepEqual(texts, ["native", "text"]);
    assert.equal((await call(address, { path: "/throw" })).status, 500);
  });

  it("stays JSON when it is an object of a class, or has toJSON", async () => {
    const { address } = await local.run(`
      export default () => [new (class { a = 1; })(), new Date(0), { toJSON: () => "own" }];`);
    assert.equal((await call(address)).text, `[{"a":1},"1970-01-01T00:00:00.000Z","own"]`);
  });

  for (const [what, result] of Object.entries({
    "a function": "() => {}",
    "a symbol": "Symbol()",
    "an Error": "new RangeError('too far')",
    "an Error of a promise": "Promise.resolve(new Error('later'))",
    "a Map": "new Map([[1, 2]])",
    "a Set": "new Set([1])",
    "a generator": "(function* () { yield 1; })()",
    "an async generator": "(async function* () { yield 1; })()",
    "an iterator": "[1].values()",
    "a class": "class Answer {}",
    "a BigInt": "1n",
    "a Response.error()": "Response.error()",
    "a Response whose body was read":
      "(async () => { const hi = new Response('hi'); await hi.text(); return hi; })()",
    "a value that contains itself": "(() => { const a = {}; a.a = a; return a; })()",
  })) {
    it(`is a 500 when it is ${what}, and the log says why`, async () => {
      const { address } = await local.run(`export default () => (${result});`);
      const answer = await call(address, { headers: { "x-skiff-call-id": `id-${what}` } });
      assert.equal(answer.status, 500);
      await local.logged(`call id-${what} failed: TypeError`);
    });
  }
});
