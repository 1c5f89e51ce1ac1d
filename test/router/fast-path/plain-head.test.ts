import assert from "node:assert/strict";
import http from "node:http";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { readField, readPlainHead } from "../../../router/fast-path/plain-head.ts";
import { routerServerOptions } from "../../../router/server/server-options.ts";

const HEAD =
  "GET /fn/echo/a%20b?q=1 HTTP/1.1\r\nHost: h:1\r\nUser-Agent: x/1\r\nX-A: 1, 2\r\nConnection: keep-alive\r\n\r\n";
const plain = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;
const fields = (...lines: string[]) => plain("GET /fn/echo HTTP/1.1", "Host: h", ...lines);

interface Read {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly keepsAlive: boolean;
}

/** How node's server reads bytes: every request, and whether there was something that it refuses. */
class NodeReader {
  readonly #reads: Read[] = [];
  #refused = 0;
  #done = 0;
  readonly #server = http
    .createServer(routerServerOptions(limitsFromEnv({})), (request, response) => {
      const { method, url, rawHeaders } = request;
      this.#reads.push({ method, url, rawHeaders, keepsAlive: response.shouldKeepAlive });
      this.#done++;
    })
    .on("clientError", (_, socket) => {
      this.#refused++;
      this.#done++;
      socket.destroy();
    });

  async read(bytes: string): Promise<{ reads: Read[]; refused: number }> {
    const before = this.#done;
    this.#reads.length = 0;
    this.#refused = 0;
    const socket = new Duplex({ read() {}, write: (_, __, done) => done() });
    this.#server.emit("connection", socket);
    socket.push(Buffer.from(bytes, "latin1"));
    while (this.#done === before) await setImmediate();
    socket.destroy();
    return { reads: [...this.#reads], refused: this.#refused };
  }
}

describe("a plain head", () => {
  it("is read with its target, fields and whether the connection is kept", () => {
    assert.deepEqual(readPlainHead(HEAD), {
      method: "GET",
      url: "/fn/echo/a%20b?q=1",
      rawHeaders: ["Host", "h:1", "User-Agent", "x/1", "X-A", "1, 2", "Connection", "keep-alive"],
      headers: { host: "h:1", "user-agent": "x/1", connection: "keep-alive" },
      keepsAlive: true,
      length: 0,
    });
    assert.equal(readPlainHead(fields("Connection: close"))?.keepsAlive, false);
    assert.equal(readPlainHead(plain("HEAD /fn/echo HTTP/1.1", "host:h"))?.method, "HEAD");
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      assert.equal(readPlainHead(plain(`${method} /fn/echo HTTP/1.1`, "Host: h"))?.method, method);
    }
    assert.equal(readPlainHead(fields("cOnTeNt-LeNgTh: 120"))?.length, 120);
    assert.equal(readPlainHead(fields("Content-Length: 0"))?.length, 0);
    const chunked = readPlainHead(fields("Transfer-Encoding: chunked", "Trailer: x", "TE: trailers"));
    assert.deepEqual([chunked?.url, chunked?.length], ["/fn/echo", undefined]);
    assert.deepEqual(readPlainHead(fields("Cookie: a", "Cookie: b"))?.rawHeaders.slice(2), [
      "Cookie",
      "a",
      "Cookie",
      "b",
    ]);
  });

  const refused: readonly (readonly [title: string, text: string])[] = [
    ["a method that few know", plain("PROPFIND /fn/echo HTTP/1.1", "Host: h")],
    ["TRACE", plain("TRACE /fn/echo HTTP/1.1", "Host: h")],
    ["a method that begins like another", plain("GETS /fn/echo HTTP/1.1", "Host: h")],
    ["a method in small letters", plain("get /fn/echo HTTP/1.1", "Host: h")],
    ["another path", plain("GET /func HTTP/1.1", "Host: h")],
    ["/fn alone", plain("GET /fn HTTP/1.1", "Host: h")],
    ["an absolute target", plain("GET http://h/fn/echo HTTP/1.1", "Host: h")],
    ["a fragment", plain("GET /fn/echo#a HTTP/1.1", "Host: h")],
    ["a back-slash in the target", plain("GET /fn/echo\\a HTTP/1.1", "Host: h")],
    ["a target beyond ASCII", plain("GET /fn/\xe9 HTTP/1.1", "Host: h")],
    ["two spaces", plain("GET  /fn/echo HTTP/1.1", "Host: h")],
    ["HTTP/1.0", plain("GET /fn/echo HTTP/1.0", "Host: h")],
    ["no version", plain("GET /fn/echo", "Host: h")],
    ["no Host", plain("GET /fn/echo HTTP/1.1", "X-A: 1")],
    ["two Hosts", fields("Host: h")],
    ["two user agents", fields("User-Agent: a", "user-agent: b")],
    ["two addresses forwarded for", fields("X-Forwarded-For: a", "X-Forwarded-For: b")],
    ["two lengths", fields("Content-Length: 1", "Content-Length: 1")],
    ["a length with a sign", fields("Content-Length: +1")],
    ["a length with a zero in front", fields("Content-Length: 01")],
    ["a length that is not exact as a number", fields("Content-Length: 1234567890123456")],
    ["a list of lengths", fields("Content-Length: 1, 1")],
    ["a length and a coding", fields("Content-Length: 1", "Transfer-Encoding: chunked")],
    ["two codings", fields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
    ["a list of codings", fields("Transfer-Encoding: gzip, chunked")],
    ["another coding", fields("Transfer-Encoding: identity")],
    ["a coding in capital letters", fields("Transfer-Encoding: Chunked")],
    ["an expectation", fields("Expect: 100-continue")],
    ["an offer to upgrade", fields("Upgrade: h2c")],
    ["Proxy-Connection", fields("Proxy-Connection: close")],
    ["a connection that names a field", fields("Connection: X-A")],
    ["a connection that names two things", fields("Connection: close, X-A")],
    ["two words about the connection", fields("Connection: close", "Connection: close")],
    ["a space before the colon", fields("X-A : 1")],
    ["a tab before the value", fields("X-A:\t1")],
    ["two spaces before the value", fields("X-A:  1")],
    ["a space after the value", fields("X-A: 1 ")],
    ["no value", fields("X-A:")],
    ["no name", fields(": 1")],
    ["no colon", fields("X-A")],
    ["a folded value", fields("X-A: 1", " 2")],
    ["a tab in a value", fields("X-A: 1\t2")],
    ["a value beyond ASCII", fields("X-A: \xe9")],
    ["a NUL", fields("X-A: \0")],
    ["a bare line feed", fields("X-A: 1\nX-B: 2")],
    ["a bare carriage return", fields("X-A: 1\rX-B: 2")],
    ["line feeds alone", "GET /fn/echo HTTP/1.1\nHost: h\n\n"],
    ["an empty line before it", `\r\n${HEAD}`],
    ["something behind it", `${HEAD}x`],
    ["another request behind it", HEAD + HEAD],
    ["more fields than anybody sends", fields(...Array.from({ length: 70 }, (_, i) => `X-${i}: 1`))],
  ];
  for (const [title, text] of refused) {
    it(`is none with ${title}`, () => assert.equal(readPlainHead(text), undefined));
  }

  it("takes no longer for a trailer of blanks than for another of its size", () => {
    const time = (line: string) => {
      const startMs = performance.now();
      for (let i = 0; i < 20; i++) readField(line);
      return performance.now() - startMs;
    };
    const blank = " ".repeat(8_000);
    assert.equal(readField(`a:${blank}\x01\r\n`), undefined);
    assert.deepEqual(readField(`a:${blank}b c\t${blank}\r\n`), ["a", "b c"]);
    // It took 100 ms each.
    const times = [`a:${blank}\x01\r\n`, `a:${blank}\r\n`].map(time);
    assert.ok(Math.max(...times) < 200, times.join(" and "));
  });

  it("is none as long as a part of it is missing", () => {
    for (let end = 0; end < HEAD.length; end++) {
      assert.equal(readPlainHead(HEAD.slice(0, end)), undefined, JSON.stringify(HEAD.slice(0, end)));
    }
  });

  it("is read as node reads it, whatever byte of it is another, missing or doubled", async () => {
    const node = new NodeReader();
    const bytes = [...'\0\t\n\r !"#%,/:;?@AGHZ[\\a{|}~\x7f\x80\xff'];
    let accepted = 0;
    for (let at = 0; at < HEAD.length; at++) {
      const [before, after] = [HEAD.slice(0, at), HEAD.slice(at + 1)];
      const variants = bytes.flatMap((byte) => [before + byte + after, before + byte + HEAD[at] + after]);
      for (const text of [...variants, before + after, before + HEAD[at] + HEAD[at] + after]) {
        const head = readPlainHead(text);
        if (head === undefined) continue;
        accepted++;
        const { method, url, rawHeaders, keepsAlive } = head;
        const asNode = { reads: [{ method, url, rawHeaders, keepsAlive }], refused: 0 };
        assert.deepEqual(await node.read(text), asNode, JSON.stringify(text));
      }
    }
    assert.ok(accepted > 1_000, `${accepted} were compared`);
  }).timeout(60_000);
});
