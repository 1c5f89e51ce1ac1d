import assert from "node:assert/strict";
import http from "node:http";
import type net from "node:net";
import { Harness, send, textOf, until } from "../support/harness.ts";
import { RawInstance } from "../support/raw-instance.ts";

/** What the caller of `/bad` sees: `STATUS body`, `STATUS code` of a problem, or `STATUS cut`. */
type Outcome = string;
type Lie = readonly [title: string, answer: string | ((socket: net.Socket) => void), ...Outcome[]];

const OK = "HTTP/1.1 200 OK\r\n";
const EVIL = `${OK}content-length: 4\r\nx-evil: 1\r\n\r\nevil`;
const FAILED = "502 instance_failed";
const LATE = "504 call_timeout";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const KIB = 1024;

/** Writes the same again and again, as fast as it is taken. */
function endless(first: string, more: string): (socket: net.Socket) => void {
  return (socket) => {
    socket.write(first);
    const go = () => {
      while (!socket.destroyed && socket.write(more.repeat(1_000)));
    };
    socket.on("drain", go);
    go();
  };
}

const LIES: readonly Lie[] = [
  // Lengths
  ["a length that is too long", `${OK}content-length: 9\r\n\r\nhello`, "200 cut"],
  [
    "a length that is too long, and the end",
    (socket) => socket.end(`${OK}content-length: 9\r\n\r\nhello`),
    "200 cut",
  ],
  ["a length that is too short", `${OK}content-length: 2\r\n\r\nhello`, "200 he"],
  ["a length that is too short by a whole response", `${OK}content-length: 2\r\n\r\nhi${EVIL}`, "200 hi"],
  ["no length, and a body behind the head", `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`, "204 "],
  ["204 with a length and a body", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", "204 "],
  ["304 with a body", `HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n${EVIL}`, "304 "],
  ["two equal lengths", `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`, FAILED],
  ["a list of lengths", `${OK}content-length: 5, 5\r\n\r\nhello`, FAILED],
  ["a negative length", `${OK}content-length: -5\r\n\r\nhello`, FAILED],
  ["a length in hex", `${OK}content-length: 0x5\r\n\r\nhello`, FAILED],
  ["a length over 64 bits", `${OK}content-length: 18446744073709551621\r\n\r\nhello`, FAILED],
  // Codings
  ["length and coding", `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, FAILED],
  ["chunked twice", `${OK}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, FAILED],
  ["gzip, then chunked", `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`, FAILED],
  ["a coding that is almost chunked", `${OK}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, FAILED],
  ["a chunk size that is none", `${CHUNKED}zz\r\nhello\r\n0\r\n\r\n`, FAILED],
  ["a negative chunk size", `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`, FAILED],
  ["a chunk size over 64 bits", `${CHUNKED}FFFFFFFFFFFFFFFFF\r\nhello`, FAILED],
  ["a chunk that is longer than its size", `${CHUNKED}2\r\nhello\r\n0\r\n\r\n`, FAILED],
  ["chunks with bare line feeds", `${CHUNKED}2\nhi\n0\n\n`, FAILED],
  ["chunks that do not end", (socket) => socket.end(`${CHUNKED}2\r\nhi\r\n`), "200 cut"],
  ["a response behind the last chunk", `${CHUNKED}2\r\nhi\r\n0\r\n\r\n${EVIL}`, "200 hi"],
  ["a malformed trailer", `${CHUNKED}2\r\nhi\r\n0\r\nx a: b\r\n\r\n`, FAILED],
  ["a control character in a trailer", `${CHUNKED}2\r\nhi\r\n0\r\nx-a: \x01\r\n\r\n`, FAILED],
  // The first part of it may arrive by itself, and then the head has been sent.
  ["trailers without end", endless(`${CHUNKED}2\r\nhi\r\n0\r\n`, "x-a: b\r\n"), FAILED, "200 cut"],
  ["a chunk extension without end", endless(`${CHUNKED}2;`, "a"), FAILED],
  // Injections
  ["a carriage return in a value", `${OK}x-a: b\rx-evil: 1\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a line feed in a value", `${OK}x-a: b\nx-evil: 1\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a NUL in a value", `${OK}x-a: b\0\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a control character in a value", `${OK}x-a: b\x01\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a DEL in a value", `${OK}x-a: b\x7f\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a folded value", `${OK}x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["a name that is not ASCII", `${OK}x\xe9: b\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["an empty name", `${OK}: b\r\ncontent-length: 0\r\n\r\n`, FAILED],
  ["line feeds alone", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", FAILED],
  ["a field called __proto__", `${OK}__proto__: x\r\ncontent-length: 2\r\n\r\nhi`, "200 hi"],
  // Status lines
  ["a status of one digit", "HTTP/1.1 2 OK\r\n\r\n", FAILED],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n", FAILED],
  ["a status below 100", "HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n", FAILED],
  ["a status over 599", "HTTP/1.1 999 X\r\ncontent-length: 2\r\n\r\nhi", "999 hi"],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", FAILED],
  ["HTTP/0.9", "HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n", FAILED],
  ["a request", "GET / HTTP/1.1\r\nhost: h\r\n\r\n", FAILED],
  // Announcements
  ["100 that nobody waits for", `HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 2\r\n\r\nhi`, "200 hi"],
  ["102, and then the answer", `HTTP/1.1 102 Processing\r\n\r\n${OK}content-length: 2\r\n\r\nhi`, "200 hi"],
  ["announcements without end", endless("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), FAILED],
  ["100 without end", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), FAILED],
  [
    "103 with a body",
    `HTTP/1.1 103 X\r\ncontent-length: 5\r\n\r\nhello${OK}content-length: 0\r\n\r\n`,
    FAILED,
  ],
  ["101 that nobody asked for", `HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n${EVIL}`, FAILED],
  ["101 without a word of upgrading", `HTTP/1.1 101 X\r\n\r\n${EVIL}`, FAILED],
  // Too much, too little
  ["a head of 40 KiB", `${OK}x-a: ${"a".repeat(40 * KIB)}\r\n\r\n`, FAILED],
  ["fields without end", endless(OK, "x-a: b\r\n"), FAILED],
  ["a name without end", endless(OK, "a"), FAILED],
  ["a status line without end", endless("HTTP/1.1 200 ", "a"), FAILED],
  ["half a head", `${OK}x-a: `, LATE],
  ["nothing", () => {}, LATE],
];

describe("an instance that lies about its response", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start({ limits: { streamIdleMs: 150 } });
  });
  afterEach(() => harness.close());

  /** Publishes an instance with one call at a time, so that one connection serves everybody. */
  async function publish({ server }: RawInstance, timeoutMs = 10_000): Promise<void> {
    await harness.publish("echo", [await harness.listen(server)], { concurrency: 1, timeoutMs });
  }

  async function outcome(path: string): Promise<{ seen: Outcome; headers: http.IncomingHttpHeaders }> {
    const request = http.get(`${harness.url}/fn/echo${path}`, { agent: false });
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).once("error", reject);
    });
    const { statusCode, headers } = response;
    const text = await textOf(response).catch(() => "cut");
    const code = headers["x-skiff-error"] === undefined ? undefined : JSON.parse(text).code;
    return { seen: `${statusCode} ${code ?? text}`, headers };
  }

  for (const [title, answer, ...outcomes] of LIES) {
    it(`(${title}) is answered for with ${outcomes.join(" or ")}, and nobody else hears of it`, async () => {
      const { promise: go, resolve } = Promise.withResolvers<void>();
      const instance = new RawInstance(async (socket) => {
        await go;
        if (typeof answer === "string") socket.write(answer, "latin1");
        else answer(socket);
      });
      await publish(instance, outcomes.includes(LATE) ? 300 : undefined);
      const bad = outcome("/bad");
      await until(() => instance.seen.length === 1, "the call reached the instance");
      // Placed in the moment in which the other one ends; where that one's time runs out, its own does as well.
      const queued = outcomes.includes(LATE) ? undefined : outcome("/queued");
      if (queued !== undefined) await harness.waiting(1);
      resolve();
      const { seen, headers } = await bad;
      assert.ok(outcomes.includes(seen), seen);
      assert.equal(headers["x-evil"], undefined);
      assert.ok(!seen.startsWith("204") || headers["content-length"] === undefined, "a length of 204");
      if (queued !== undefined) assert.equal((await queued).seen, "200 /queued");
      for (const path of ["/next", "/last"]) assert.equal((await outcome(path)).seen, `200 ${path}`);
      const others = queued === undefined ? ["/next", "/last"] : ["/queued", "/next", "/last"];
      assert.deepEqual(instance.seen, ["/bad", ...others]);
      await harness.idle();
    });
  }

  it("(a response that nobody asked for, on an idle connection) loses the connection, and nobody sees it", async () => {
    const instance = new RawInstance(() => {});
    await publish(instance);
    assert.equal((await outcome("/a")).seen, "200 /a");
    await harness.idle();
    const [idle] = instance.sockets;
    idle!.write(EVIL);
    await until(() => !instance.sockets.has(idle!), "the connection is given up");
    assert.equal((await outcome("/b")).seen, "200 /b");
    assert.equal(instance.connections, 2);
  });

  it("(the end of an idle connection) is no failure of the next call", async () => {
    const instance = new RawInstance(() => {});
    await publish(instance);
    for (let i = 0; i < 5; i++) {
      assert.equal((await send(`${harness.url}/fn/echo/a`)).body, "/a");
      await harness.idle();
      for (const socket of instance.sockets) socket.end();
      await until(() => instance.sockets.size === 0, "the connection has ended");
    }
    assert.deepEqual(harness.stats().refused, {});
  });
});
