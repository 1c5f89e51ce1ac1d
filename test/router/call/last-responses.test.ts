import assert from "node:assert/strict";
import { once } from "node:events";
import { connectHalfOpen, sendDeaf } from "../../support/deaf-client.ts";
import { Harness, until } from "../support/harness.ts";

const PART = Buffer.alloc(64 * 1024, "x");
const FAST = { part: PART, parts: 320 };
/** Longer than the rest of a body has to come on a connection that is used again. */
const SLOW = { part: PART, parts: 70, everyMs: 50 };
const LENGTH = "Content-Length: 1000000000\r\n";
/** One chunk of this size, which never ends. */
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const CHUNK = "7fffffff\r\n";
const SOCKET =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const request = (line: string, fields: string, version = "1.1") =>
  `${line} HTTP/${version}\r\nHost: h\r\n${fields}\r\n`;

/** Answers that are out before everything has come, with what the client sends. */
const ROWS: Readonly<Record<string, readonly [head: string, answer: RegExp]>> = {
  "404, with a length": [
    request("POST /fn/none", LENGTH),
    /^HTTP\/1\.1 404 .*"code":"unknown_function".*\}\n$/s,
  ],
  "404, in chunks": [request("POST /fn/none", CHUNKED) + CHUNK, /^HTTP\/1\.1 404 .*\}\n$/s],
  "404, on a connection that is to end": [
    request("POST /fn/none", `${LENGTH}Connection: close\r\n`),
    /^HTTP\/1\.1 404 .*\}\n$/s,
  ],
  "404, to HTTP/1.0": [request("POST /fn/none", LENGTH, "1.0"), /^HTTP\/1\.1 404 .*\}\n$/s],
  "404, to a WebSocket": [request("GET /fn/none", SOCKET), /^HTTP\/1\.1 404 .*\}\n$/s],
  "404, to a WebSocket for events": [
    request("GET /gateway/chat", SOCKET),
    /^HTTP\/1\.1 404 .*"detail":"\/gateway takes no WebSockets: connect to \/fn\/NAME\.".*\}\n$/s,
  ],
  "413, from the length": [
    request("POST /fn/echo", LENGTH),
    /^HTTP\/1\.1 413 .*"code":"body_too_large".*\}\n$/s,
  ],
  "413, from what came": [request("POST /fn/echo", CHUNKED) + CHUNK, /^HTTP\/1\.1 413 .*\}\n$/s],
  "417": [request("POST /fn/echo", `Expect: more\r\n${LENGTH}`), /^HTTP\/1\.1 417 .*\}\n$/s],
  "400, of a coding": [
    request("POST /fn/echo", "Transfer-Encoding: gzip, chunked\r\n") + CHUNK,
    /^HTTP\/1\.1 400 .*\}\n$/s,
  ],
  "400, of what is not HTTP": [
    request("POST /fn/echo", "no field\r\n"),
    /^HTTP\/1\.1 400 .*"code":"invalid_request".*\}\n$/s,
  ],
  "405, to CONNECT": [request("CONNECT h:1", ""), /^HTTP\/1\.1 405 .*\}\n$/s],
  "405, to TRACE": [request("TRACE /fn/echo", LENGTH), /^HTTP\/1\.1 405 .*\}\n$/s],
  "431": [
    `GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-Long: ${"x".repeat(40_000)}`,
    /^HTTP\/1\.1 431 .*"code":"headers_too_large".*\}\n$/s,
  ],
  "503, of a function that does not start": [
    request("POST /fn/broken", LENGTH.replace("1000000000", "900")),
    /^HTTP\/1\.1 503 .*"code":"no_capacity".*\}\n$/s,
  ],
  "200, of a function that does not read": [
    request("POST /fn/early", LENGTH.replace("1000000000", "400000000")),
    /^HTTP\/1\.1 200 .*\r\n\r\nearly$/s,
  ],
};

const SPEEDS = { fast: FAST, slowly: SLOW };

describe("the last response on a connection whose client still sends", () => {
  let harness: Harness;
  let strict: Harness;
  /** All are sent at the same time: most of them take seconds. */
  const answers = new Map<string, Promise<string>>();

  before(async () => {
    harness = await Harness.start({ limits: { callBodyBytes: 500_000_000, instanceWaitMs: 300 } });
    await harness.serve((incoming) => incoming.resume());
    await harness.publish("early", [await harness.instance((_, response) => response.end("early"))]);
    await harness.publish("broken", []);
    strict = await Harness.start({ limits: { callBodyBytes: 1_000_000 }, headersMs: 300 });
    await strict.serve((incoming) => incoming.resume());
    for (const [what, [head]] of Object.entries(ROWS)) {
      const { port } = what === "413, from what came" ? strict : harness;
      for (const [how, speed] of Object.entries(SPEEDS)) {
        answers.set(`${what}, sent ${how}`, sendDeaf({ to: port, head, ...speed }));
      }
    }
  });
  after(async () => {
    await harness.close();
    await strict.close();
  });

  for (const [what, [, wanted]] of Object.entries(ROWS)) {
    for (const how of Object.keys(SPEEDS)) {
      it(`arrives whole: ${what}, sent ${how}`, async () => {
        assert.match((await answers.get(`${what}, sent ${how}`))!, wanted);
      });
    }
  }

  it("arrives whole: 408, to a head that never ends", async () => {
    const { port } = strict;
    const head = "GET /fn/echo HTTP/1.1\r\nHost: h\r\n";
    const part = Buffer.from("X-More: of it\r\n");
    const text = await sendDeaf({ to: port, head, part, parts: 70, everyMs: 50 });
    assert.match(text, /^HTTP\/1\.1 408 .*"code":"request_timeout".*\}\n$/s);
  });

  for (const calls of [0, 2]) {
    it(`arrives whole after ${calls} plain calls, when something comes that nobody reads`, async () => {
      let answer: (() => void) | undefined;
      await harness.publish("slow", [
        await harness.instance((incoming, response) => {
          if (incoming.url === "/quick") response.end();
          else answer = () => response.end("slow");
        }),
      ]);
      const socket = connectHalfOpen(harness.port);
      for (let call = 1; call <= calls; call++) {
        socket.write(request("GET /fn/slow/quick", ""));
        await once(socket, "data");
      }
      const text = await sendDeaf({
        to: socket,
        head: request("GET /fn/slow", "Connection: close\r\n"),
        part: PART,
        parts: 20,
        everyMs: 5,
        async onSent(parts) {
          if (parts === 0) await until(() => answer !== undefined, "the call has come");
          if (parts === 10) answer!();
        },
      });
      assert.match(text, /^HTTP\/1\.1 200 .*\r\n\r\nslow$/s);
    });
  }

  it("arrives whole: 503, while Skiff stops", async () => {
    const stopping = await Harness.start();
    try {
      await stopping.router.close();
      const { port } = stopping;
      const head = request("POST /fn/echo", LENGTH);
      const text = await sendDeaf({ to: port, head, part: PART, parts: 30, everyMs: 20 });
      assert.match(text, /^HTTP\/1\.1 503 .*"code":"draining".*\}\n$/s);
    } finally {
      await stopping.close();
    }
  });
});
