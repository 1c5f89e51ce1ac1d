import assert from "node:assert/strict";
import type { ProblemCode } from "../platform/problems.ts";
import { rawRequest } from "./support/raw-request.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

type Case = readonly [title: string, bytes: string | Uint8Array, status: number, code: ProblemCode];

const HOST = "Host: localhost\r\n";
const ECHO = `export default async (request) => (await request.text()).length + " bytes";`;

function send(
  method: string,
  target: string,
  { headers = "", body = "" }: { headers?: string; body?: string } = {},
): string {
  const length = body === "" ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${target} HTTP/1.1\r\n${HOST}${length}${headers}\r\n${body}`;
}

const post = (query: string, body = ECHO) => send("POST", `/func?${query}`, { body });
const patch = (value: unknown) => {
  const headers = "Content-Type: application/json\r\n";
  return send("PATCH", "/func/echo", {
    headers,
    body: typeof value === "string" ? value : JSON.stringify(value),
  });
};
const get = (target: string, headers = "") => send("GET", target, { headers });
const raw = (text: string) => text.replaceAll("\n", "\r\n");

const CASES: readonly Case[] = [
  // Deploying
  ["no name", post(""), 400, "invalid_name"],
  ["an empty name", post("name="), 400, "invalid_name"],
  ["an upper-case name", post("name=Echo"), 400, "invalid_name"],
  ["a name that starts with a digit", post("name=1a"), 400, "invalid_name"],
  ["a name that ends with a hyphen", post("name=a-"), 400, "invalid_name"],
  ["a name of 53 characters", post(`name=${"a".repeat(53)}`), 400, "invalid_name"],
  ["a name that leaves the folder", post("name=..%2F..%2Fetc"), 400, "invalid_name"],
  ["a name with a NUL", post("name=a%00b"), 400, "invalid_name"],
  ["two names", post("name=a&name=b"), 400, "invalid_request"],
  ["an unknown setting", post("name=a&colour=red"), 400, "invalid_setting"],
  ["a setting that is no number", post("name=a&min=many"), 400, "invalid_setting"],
  ["a negative setting", post("name=a&max=-1"), 400, "invalid_setting"],
  ["a setting out of range", post("name=a&concurrency=0"), 400, "invalid_setting"],
  ["min over max", post("name=a&min=5&max=2"), 400, "invalid_setting"],
  ["a timeout without a unit that exists", post("name=a&timeout=3days"), 400, "invalid_setting"],
  ["memory that is not there", post("name=a&memory=1Ti"), 400, "invalid_setting"],
  ["a variable without a name", post("name=a&env=VALUE"), 400, "invalid_setting"],
  ["a variable that steers the runtime", post("name=a&env=DENO_DIR=/"), 400, "invalid_setting"],
  ["a destination that is none", post("name=a&net=http://x/"), 400, "invalid_setting"],
  ["an address in disguise as destination", post("name=a&net=0x7f000001"), 400, "invalid_setting"],
  ["an unknown kind of system information", post("name=a&sys=everything"), 400, "invalid_setting"],
  ["no source", post("name=a", ""), 400, "invalid_source"],
  [
    "a source that is not UTF-8",
    Buffer.from(`POST /func?name=a HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n\xff\xfe`, "latin1"),
    400,
    "invalid_source",
  ],
  ["a source with a NUL", post("name=a", "export default () => '\0'"), 400, "invalid_source"],
  ["a broken zip", post("name=a", "PK\x03\x04 and nothing more"), 400, "invalid_source"],
  ["code that does not parse", post("name=a", "export default () => {"), 422, "build_failed"],
  ["an import of a file that is not there", post("name=a", 'import "./b.ts";'), 422, "build_failed"],
  [
    "an import of the machine's files",
    post("name=a", 'import x from "file:///etc/passwd"; export default () => x;'),
    422,
    "build_failed",
  ],
  [
    "an import from the machine's network",
    post("name=a", 'import "http://127.0.0.1:1/x.ts";'),
    422,
    "build_failed",
  ],
  ["code without a handler", post("name=a", "export const a = 1;"), 422, "start_failed"],
  ["code that throws at once", post("name=a", 'throw new Error("no")'), 422, "start_failed"],
  [
    "a source over the limit",
    send("POST", "/func?name=a", { headers: "Content-Length: 99999999999\r\n" }),
    413,
    "source_too_large",
  ],
  [
    "a source over the limit in chunks",
    `POST /func?name=a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n200001\r\n${"x".repeat(0x200001)}\r\n0\r\n\r\n`,
    413,
    "source_too_large",
  ],
  [
    "a compressed source",
    send("POST", "/func?name=a", { headers: "Content-Encoding: gzip\r\n", body: "x" }),
    415,
    "unsupported_media_type",
  ],

  // Configuring
  ["settings that are no JSON", patch("{min:"), 400, "invalid_request"],
  ["settings that are no object", patch("[1]"), 400, "invalid_request"],
  [
    "settings of another type",
    send("PATCH", "/func/echo", { headers: "Content-Type: text/plain\r\n", body: "{}" }),
    415,
    "unsupported_media_type",
  ],
  ["a setting with a wrong type", patch({ min: "1" }), 400, "invalid_setting"],
  ["a setting that is a fraction", patch({ max: 1.5 }), 400, "invalid_setting"],
  ["a setting called __proto__", patch('{"__proto__":{"min":1}}'), 400, "invalid_setting"],
  ["a permission that is not offered", patch({ permissions: { run: ["sh"] } }), 400, "invalid_setting"],
  ["environment that is no object", patch({ env: "A=1" }), 400, "invalid_setting"],
  [
    "a function that is not there",
    send("PATCH", "/func/nobody", { headers: "Content-Type: application/json\r\n", body: "{}" }),
    404,
    "unknown_function",
  ],

  ["an expectation that is none", get("/func", "Expect: miracles\r\n"), 417, "expectation_failed"],

  // Reading and removing
  ["a description of nothing", get("/func/nobody"), 404, "unknown_function"],
  ["a source of nothing", get("/func/nobody/source"), 404, "unknown_function"],
  ["a version that is not there", get("/func/echo/source?version=99"), 404, "unknown_version"],
  ["a version that is no number", get("/func/echo/source?version=x"), 400, "invalid_request"],
  ["a page of no size", get("/func?limit=0"), 400, "invalid_request"],
  ["a page over the limit", get("/func?limit=100000"), 400, "invalid_request"],
  ["a cursor that is none", get("/func?cursor=%21"), 400, "invalid_request"],
  ["logs of nothing", get("/func/nobody/logs"), 404, "unknown_function"],
  ["removing nothing", send("DELETE", "/func/nobody"), 404, "unknown_function"],
  ["removing everything", send("DELETE", "/func"), 405, "method_not_allowed"],
  ["a path that is not served", get("/admin"), 404, "unknown_route"],
  ["a foreign Origin", get("/func", "Origin: https://evil.example\r\n"), 403, "forbidden"],
  ["a null Origin", get("/func", "Origin: null\r\n"), 403, "forbidden"],
  ["a cross-site fetch", get("/func", "Sec-Fetch-Site: cross-site\r\n"), 403, "forbidden"],
  ["a rebound name", raw("GET /func HTTP/1.1\nHost: evil.example\n\n"), 403, "forbidden"],

  // Calling
  ["a function that does not exist", get("/fn/nobody"), 404, "unknown_function"],
  ["no function at all", get("/fn/"), 404, "unknown_function"],
  ["an escaped name", get("/fn/%65cho"), 404, "unknown_function"],
  ["a tunnel", raw("CONNECT echo:80 HTTP/1.1\nHost: echo:80\n\n"), 405, "method_not_allowed"],
  ["TRACE", send("TRACE", "/fn/echo"), 405, "method_not_allowed"],
  ["no Host", raw("GET /fn/echo HTTP/1.1\n\n"), 400, "invalid_request"],
  ["two Hosts", raw("GET /fn/echo HTTP/1.1\nHost: a\nHost: b\n\n"), 400, "invalid_request"],
  ["a Host that is a path", raw("GET /fn/echo HTTP/1.1\nHost: x/fn/y?\n\n"), 400, "invalid_request"],
  ["a Host with credentials", raw("GET /fn/echo HTTP/1.1\nHost: a@b\n\n"), 400, "invalid_request"],
  [
    "length and chunks at once",
    raw("POST /fn/echo HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n"),
    400,
    "invalid_request",
  ],
  [
    "two lengths",
    raw("POST /fn/echo HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 6\n\nhello"),
    400,
    "invalid_request",
  ],
  [
    "a length that is no number",
    raw("POST /fn/echo HTTP/1.1\nHost: a\nContent-Length: +5\n\nhello"),
    400,
    "invalid_request",
  ],
  [
    "an unknown transfer coding",
    raw("POST /fn/echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, identity\n\n0\n\n"),
    400,
    "invalid_request",
  ],
  [
    "a chunk size that is none",
    raw("POST /fn/echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nxyz\nhello\n0\n\n"),
    400,
    "invalid_request",
  ],
  ["a space before the colon", raw("GET /fn/echo HTTP/1.1\nHost : a\n\n"), 400, "invalid_request"],
  ["a folded header", raw("GET /fn/echo HTTP/1.1\nHost: a\nX-A: 1\n 2\n\n"), 400, "invalid_request"],
  [
    "a control character in a header",
    raw("GET /fn/echo HTTP/1.1\nHost: a\nX-A: \x01\n\n"),
    400,
    "invalid_request",
  ],
  ["another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "invalid_request"],
  ["HTTP/3.0", raw("GET /fn/echo HTTP/3.0\nHost: a\n\n"), 400, "invalid_request"],
  ["headers over the limit", get("/fn/echo", `X-Long: ${"x".repeat(40_000)}\r\n`), 431, "headers_too_large"],
  [
    "a body over the limit",
    send("POST", "/fn/echo", { headers: "Content-Length: 99999999999\r\n" }),
    413,
    "body_too_large",
  ],
  [
    "a body over the limit in chunks",
    `POST /fn/echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n200001\r\n${"x".repeat(0x200001)}\r\n0\r\n\r\n`,
    413,
    "body_too_large",
  ],
];

for (const workers of [1, 2]) {
  describe(`bad requests${workers === 1 ? "" : `, answered by ${workers} workers`}`, () => {
    let skiff: StartedSkiff;
    let port: number;

    before(async () => {
      skiff = await startedSkiff({ workers, env: { SKIFF_MAX_SOURCE: "1Mi", SKIFF_MAX_BODY: "1Mi" } });
      port = Number(new URL(skiff.url).port);
      assert.equal((await skiff.deploy("echo", ECHO)).status, 201);
    });
    after(() => skiff.close());

    for (const [title, bytes, status, code] of CASES) {
      it(`${title}: ${status} ${code}`, async () => {
        const answer = await rawRequest(port, bytes);
        assert.equal(answer.status, status, answer.body);
        assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
        assert.equal(answer.headers.get("x-skiff-error"), "platform");
        const problem = JSON.parse(answer.body) as Record<string, unknown>;
        assert.equal(problem.code, code, answer.body);
        assert.equal(problem.status, status);
        assert.ok(String(problem.detail).length > 10, answer.body);
        const alive = await fetch(`${skiff.url}/fn/echo`, { method: "POST", body: "hello" });
        assert.equal(await alive.text(), "5 bytes");
      });
    }

    it("are at least 60, and none of them has left a function behind", async () => {
      assert.ok(CASES.length >= 60);
      const { functions } = (await (await fetch(`${skiff.url}/func`)).json()) as {
        functions: { name: string }[];
      };
      assert.deepEqual(
        functions.map(({ name }) => name),
        ["echo"],
      );
    });
  });
}
