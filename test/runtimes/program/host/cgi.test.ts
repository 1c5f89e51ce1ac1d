import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { callVariables } from "../../../../runtimes/program/host/calls/call-variables.ts";
import { CgiHeadReader, InvalidHead } from "../../../../runtimes/program/host/calls/cgi-head.ts";
import { BYTES, TEXT, typeOf } from "../../../../runtimes/program/host/calls/output-type.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { StartedHost, shellOrder } from "../../../support/programs/started-host.ts";

describe("the head of a CGI response", () => {
  /** Reads a text in pieces of `size` bytes. */
  function read(text: string, size = text.length) {
    const reader = new CgiHeadReader();
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      const found = reader.take(bytes.subarray(at, at + size));
      if (found) return { ...found.head, rest: found.rest.toString() };
    }
    return undefined;
  }

  it("is read with either line end, in pieces of any size", () => {
    for (const end of ["\n", "\r\n"]) {
      for (const size of [1, 7, 1000]) {
        const text = [
          "Status: 404 Not Found",
          "Content-Type: text/html",
          "Set-Cookie: a=1",
          "Set-Cookie: b=2",
          "",
          "",
        ];
        const found = read(text.join(end), size);
        assert.equal(found?.status, 404);
        assert.deepEqual(found?.fields, [
          "Content-Type",
          "text/html",
          "Set-Cookie",
          "a=1",
          "Set-Cookie",
          "b=2",
        ]);
      }
    }
    assert.equal(read("A: 1\n\nbody\n\nmore")?.rest, "body\n\nmore");
  });

  it("is a redirect with Location alone, and 200 otherwise", () => {
    assert.equal(read("Location: /there\n\n")?.status, 302);
    assert.equal(read("Status: 301\nLocation: /there\n\n")?.status, 301);
    assert.equal(read("Content-Type: a/b\n\n")?.status, 200);
    assert.equal(read("\nbody")?.status, 200);
  });

  it("has no field that frames the body or that is Skiff's", () => {
    const found = read(
      "Content-Length: 7\nTransfer-Encoding: chunked\nConnection: close\nX-Skiff-Busy: 1\nX-Own: 1\n\n",
    );
    assert.deepEqual(found?.fields, ["X-Own", "1"]);
  });

  it("is refused if it is none, and if it does not end", () => {
    for (const text of [
      "hello world\n\n",
      "Status: 99\n\n",
      "Status: soon\n\n",
      "A B: 1\n\n",
      "A: 1\rB: 2\n\n",
      "A: 1\u0001\n\n",
      "A: a\u007fb\n\n",
    ]) {
      assert.throws(() => read(text), InvalidHead);
    }
    assert.throws(() => read(`A: ${"x".repeat(70_000)}`), InvalidHead);
    assert.equal(read("A: 1\n"), undefined);
  });
});

describe("the media type of an output", () => {
  it("is text for UTF-8, also if a character goes on", () => {
    assert.equal(typeOf(Buffer.from("Käse")), TEXT);
    assert.equal(typeOf(Buffer.from("Kä").subarray(0, 2)), TEXT);
    assert.equal(typeOf(Buffer.from([0x4b, 0xff])), BYTES);
    assert.equal(typeOf(Buffer.from("a\0b")), BYTES);
  });
});

describe("the variables of a call", () => {
  const variables = (url: string, headers: Record<string, string> = {}) =>
    callVariables({ url, headers, method: "GET", httpVersion: "1.1" } as never, "id");

  it("keep a path that cannot be decoded", () => {
    assert.equal(variables("/%ff").PATH_INFO, "/%ff");
    assert.equal(variables("/a%00b").PATH_INFO, "/a%00b");
    assert.equal(variables("/%zz?a=%zz").QUERY_STRING, "a=%zz");
  });

  it("have the scheme and port of the client", () => {
    const own = (headers: Record<string, string>) => {
      const { SERVER_NAME, SERVER_PORT, HTTPS } = variables("/", headers);
      return [SERVER_NAME, SERVER_PORT, HTTPS];
    };
    assert.deepEqual(own({ host: "a.example" }), ["a.example", "80", undefined]);
    assert.deepEqual(own({ host: "a.example", "x-forwarded-proto": "https" }), ["a.example", "443", "on"]);
    assert.deepEqual(own({ host: "[::1]:81" }), ["[::1]", "81", undefined]);
  });

  it("have no field that would become a variable of another meaning", () => {
    const names = Object.keys(
      variables("/", { proxy: "a", connection: "b", "x-skiff-wait": "1", a_b: "c", "a-b": "d" }),
    );
    assert.deepEqual(
      names.filter((name) => name.startsWith("HTTP_")),
      ["HTTP_A_B"],
    );
  });
});

describe("a program with CGI", () => {
  let host: StartedHost;
  before(async () => {
    host = await StartedHost.start({
      host: shellOrder('eval "$HTTP_X_SCRIPT"', { cgi: true }),
      concurrency: 4,
    });
  });
  after(() => host.close());
  const run = (script: string) => call(host.address, { headers: { "x-script": script } });

  it("sets status and fields", async () => {
    const answer = await run("printf 'Status: 418\\nContent-Type: text/html\\nX-Own: 1\\n\\n<p>'");
    assert.deepEqual([answer.status, answer.text], [418, "<p>"]);
    assert.deepEqual([answer.headers["content-type"], answer.headers["x-own"]], ["text/html", "1"]);
  });

  it("answers without a body where the status has none", async () => {
    const answer = await run("printf 'Status: 204\\n\\nignored'");
    assert.deepEqual([answer.status, answer.text], [204, ""]);
  });

  it("is a 500 if its output has no head, or only a part of one", async () => {
    for (const script of ["echo hello; echo", "printf 'A: 1\\n'"]) {
      const { status, text } = await run(script);
      assert.deepEqual([status, JSON.parse(text).code], [500, "program_failed"]);
      assert.match(JSON.parse(text).detail, /does not begin with the head of a CGI response/);
    }
  });

  it("is a 500 for itself alone if a field has a control character", async () => {
    const other = run("printf 'X-A: 1\\n\\nstart'; while [ ! -e go ]; do sleep 0.05; done; echo end");
    for (const character of ["001", "177", "000"]) {
      const { status, text } = await run(`printf 'X-B: a\\${character}b\\n\\nx'`);
      assert.deepEqual([status, JSON.parse(text).code], [500, "program_failed"]);
      assert.match(JSON.parse(text).detail, /it has the line "X-B: a/);
    }
    writeFileSync(join(host.folder, "go"), "");
    assert.deepEqual([(await other).status, (await other).text], [200, "startend\n"]);
    assert.equal(host.hasEnded, false);
  });

  it("is a 500 with its code if it fails within the head", async () => {
    const { status, text } = await run("printf 'Status: 200\\n'; exit 7");
    assert.deepEqual([status, JSON.parse(text).exitCode], [500, 7]);
  });

  it("may print nothing", async () => {
    assert.equal((await run("true")).status, 200);
  });
});
