import assert from "node:assert/strict";
import { call } from "../support/instances/call-instance.ts";
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

  for (const [what, result] of Object.entries({
    "a function": "() => {}",
    "a symbol": "Symbol()",
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
