import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import type { Duplex } from "node:stream";
import { servingOf } from "../../support/platform/deploying.ts";
import { Harness, type HarnessOptions, raw, until } from "../support/harness.ts";

const HANDSHAKE =
  "Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function accept(request: http.IncomingMessage, socket: Duplex, fields = ""): void {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const hash = createHash("sha1").update(key).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${hash}\r\n${fields}\r\n`,
  );
}

/** Sends a frame of the client back as the server's own (RFC 6455): short ones only, unmasked. */
function echoFrames(socket: Duplex): void {
  socket.once("end", () => socket.end());
  socket.on("data", (frame: Buffer) => {
    const length = frame[1]! & 0x7f;
    const body = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ frame[2 + (i % 4)]!));
    socket.write(Buffer.concat([Buffer.from([frame[0]!, length]), body]));
    if ((frame[0]! & 0x0f) === 8) socket.end();
  });
}

describe("a WebSocket", () => {
  let harness: Harness;
  let seen: http.IncomingMessage | undefined;
  let sockets: Duplex[] = [];
  afterEach(() => harness.close());

  async function start(
    upgrade: (request: http.IncomingMessage, socket: net.Socket) => void,
    options: HarnessOptions = {},
    settings = {},
  ) {
    harness = await Harness.start(options);
    sockets = [];
    const server = http.createServer((_, response) => response.end("plain"));
    server.on("upgrade", (request, socket) => {
      seen = request;
      sockets.push(socket.on("error", () => {}));
      upgrade(request, socket as net.Socket);
    });
    await harness.publish("echo", [await harness.listen(server)], settings);
  }

  const echo = (request: http.IncomingMessage, socket: Duplex) => {
    accept(request, socket);
    echoFrames(socket);
  };

  function connect(path = "/fn/echo/ws?q=1"): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${harness.port}${path}`);
  }

  it("carries messages both ways and closes with the code that was sent", async () => {
    await start(echo);
    const socket = connect();
    await once(socket, "open");
    for (const text of ["one", "two"]) {
      socket.send(text);
      const [event] = (await once(socket, "message")) as [MessageEvent];
      assert.equal(event.data, text);
    }
    assert.equal(harness.stats().inFlight, 1);
    socket.close(4321, "enough");
    const [closed] = (await once(socket, "close")) as [CloseEvent];
    assert.deepEqual([closed.code, closed.reason, closed.wasClean], [4321, "enough", true]);
    await harness.idle();
    assert.equal(harness.answered()[1], 1);
  });

  it("reaches the function with the same header fields as any call", async () => {
    await start((request, socket) =>
      accept(request, socket, "X-Skiff-Call-Id: forged\r\nX-Skiff-Error: platform\r\nX-Own: 1\r\n"),
    );
    const answer = await raw(
      harness.port,
      `GET /fn/echo/%41//b?q=%20 HTTP/1.1\r\n${HANDSHAKE}X-Skiff-Probe: 1\r\nX-Forwarded-For: 192.0.2.1\r\nCookie: a\r\nProxy-Authorization: x\r\nSec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n\r\n`,
      (text) => text.endsWith("\r\n\r\n"),
    );
    const { headers, url } = seen!;
    assert.equal(url, "/%41//b?q=%20");
    assert.equal(headers.host, "h");
    assert.equal(headers["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
    assert.equal(headers["x-forwarded-prefix"], "/fn/echo");
    assert.equal(headers["x-skiff-probe"], undefined);
    assert.equal(headers["proxy-authorization"], undefined);
    assert.equal(headers.cookie, "a");
    assert.equal(headers["sec-websocket-protocol"], "a, b");
    assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(answer, new RegExp(`x-skiff-call-id: ${headers["x-skiff-call-id"]}\r\n`, "i"));
    assert.doesNotMatch(answer, /forged|x-skiff-error/i);
    assert.match(answer, /x-own: 1/i);
  });

  const refusals: [string, string, number][] = [
    ["of an unknown function", `GET /fn/other HTTP/1.1\r\n${HANDSHAKE}\r\n`, 404],
    ["with a forged host", `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE.replace("Host: h", "Host: a@b")}\r\n`, 400],
    ["with a repeated host", `GET /fn/echo HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}\r\n`, 400],
    ["with a body", `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}Content-Length: 5\r\n\r\nhello`, 400],
  ];
  for (const [what, request, status] of refusals) {
    it(`${what} is refused with a problem document`, async () => {
      await start(echo);
      const answer = await raw(harness.port, request);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} .*x-skiff-error: platform.*"callId"`, "s"));
      assert.equal(sockets.length, 0);
    });
  }

  it("gets the function's plain answer when the function does not upgrade", async () => {
    await start((_, socket) => {
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nX-Skiff-Error: platform\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nno`,
      );
    });
    const answer = await raw(harness.port, `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n.*set-cookie: a\r\nset-cookie: b\r\n.*\r\n\r\nno$/s);
    assert.match(answer, /connection: close/i);
    assert.doesNotMatch(answer, /x-skiff-error/i);
    await harness.idle();
    assert.equal(harness.answered()[4], 1);
  });

  it("gets a plain answer of several MiB whole, and one without a body without one", async () => {
    const size = 5 * 1024 ** 2;
    await start((request, socket) => {
      if (request.url === "/none") socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      else {
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        socket.end(`${size.toString(16)}\r\n${"x".repeat(size)}\r\n0\r\n\r\n`);
      }
    });
    const none = await raw(harness.port, `GET /fn/echo/none HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.match(none, /^HTTP\/1\.1 204 No Content\r\n.*\r\n\r\n$/s);
    assert.doesNotMatch(none, /transfer-encoding/i);
    const large = await raw(harness.port, `GET /fn/echo/large HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.equal(large.match(/x{1000,}/g)?.join("").length, size);
  });

  it("is answered with 502 when the function breaks the connection before it upgrades", async () => {
    await start((_, socket) => socket.destroy());
    const answer = await raw(harness.port, `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 502 .*"code":"instance_failed"/s);
    await harness.idle();
  });

  it("is answered with 504 when the function does not answer in time", async () => {
    await start(() => {}, {}, { timeoutMs: 100 });
    const answer = await raw(harness.port, `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 504 .*within 100 ms \(timeoutMs of the function\)/s);
    await harness.idle();
  });

  it("takes a slot of its instance until it closes, and waits for one as calls do", async () => {
    await start(echo, {}, { concurrency: 1 });
    const first = connect();
    await once(first, "open");
    const second = connect();
    await harness.waiting(1);
    first.close();
    await once(second, "open");
    second.close();
    await once(second, "close");
    await harness.idle();
  });

  it("is tried again when the connection was refused", async () => {
    await start(echo);
    const good = servingOf(harness.platform, "echo")!.instances[0]!.address;
    harness.platform.setInstances("echo", [{ unix: "/nonexistent/a.sock" }, good]);
    const socket = connect();
    await once(socket, "open");
    socket.close();
    await once(socket, "close");
  });

  it("is released upstream when its client vanishes, and ended when its function does", async () => {
    await start(echo);
    const clients = await Promise.all(
      [1, 2].map(async () => {
        const request = http.request(`${harness.url}/fn/echo`, {
          agent: false,
          headers: { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "x" },
        });
        request.end();
        const [, socket] = (await once(request, "upgrade")) as [http.IncomingMessage, net.Socket];
        return socket.on("error", () => {});
      }),
    );
    clients[0]!.destroy();
    await until(() => sockets.some((socket) => socket.destroyed), "the function lost its client");
    for (const socket of sockets) socket.destroy();
    clients[1]!.resume();
    await once(clients[1]!, "close");
    await harness.idle();
  });

  it("is closed after the idle time when nothing moves", async () => {
    await start(echo, { limits: { streamIdleMs: 80 } });
    const socket = connect();
    await once(socket, "open");
    const [closed] = (await once(socket, "close")) as [CloseEvent];
    assert.equal(closed.wasClean, false);
    await harness.idle();
    assert.match(harness.lines.join("\n"), /SKIFF_STREAM_IDLE/);
  });

  for (const direction of ["from the client", "from the function"]) {
    it(`is not closed while messages come ${direction}, while silent ones are`, async () => {
      const messages = new Map<Duplex, number>();
      await start(
        (request, socket) => {
          accept(request, socket);
          messages.set(socket, 0);
          socket.on("data", () => messages.set(socket, messages.get(socket)! + 1));
        },
        { limits: { streamIdleMs: 300 } },
      );
      const busy = connect();
      await once(busy, "open");
      const [far] = sockets;
      let received = 0;
      let wasClosed = false;
      busy.addEventListener("message", () => received++);
      busy.addEventListener("close", () => {
        wasClosed = true;
      });
      const sending = setInterval(() => {
        if (direction === "from the client") busy.send("x");
        else far!.write(Buffer.from([0x81, 0x01, 0x78]));
      }, 10);
      const arrived = () => (direction === "from the client" ? messages.get(far!)! : received);
      try {
        // Each is opened after some messages, and its time ends after that of the message before it.
        for (let i = 0; i < 2; i++) {
          const before = arrived();
          await until(() => arrived() > before + 1, "messages arrive");
          const silent = connect();
          await once(silent, "open");
          await once(silent, "close");
        }
      } finally {
        clearInterval(sending);
      }
      assert.equal(wasClosed, false);
      busy.close();
    });
  }

  it("counts as a call in flight for as long as it is open", async () => {
    await start(echo);
    const socket = connect();
    await once(socket, "open");
    const { loads } = harness.platform;
    await until(() => loads.at(-1)?.inFlight === 1, "it is reported");
    socket.close();
    await until(() => loads.at(-1)?.inFlight === 0, "its end is reported");
  });

  it("is closed with 1001 when the router closes, and the function hears the farewell", async () => {
    await start(echo);
    const socket = connect();
    await once(socket, "open");
    const received: Buffer[] = [];
    sockets[0]!.on("data", (chunk: Buffer) => received.push(chunk));
    const closed = once(socket, "close") as Promise<[CloseEvent]>;
    await harness.router.close();
    const [{ code, wasClean }] = await closed;
    assert.deepEqual([code, wasClean], [1001, true]);
    assert.equal(received[0]![0]! & 0x0f, 8, "a Close frame");
    assert.equal(harness.stats().inFlight, 0);
  });

  it("is closed with 1001 between two frames, not in the middle of one", async () => {
    const frame = Buffer.concat([Buffer.from([0x81, 126, 0x01, 0x00]), Buffer.alloc(256, "x")]);
    await start((request, socket) => {
      accept(request, socket);
      echoFrames(socket);
      socket.write(frame.subarray(0, 3));
    });
    const socket = connect();
    const message = once(socket, "message") as Promise<[MessageEvent]>;
    await once(socket, "open");
    const closed = once(socket, "close") as Promise<[CloseEvent]>;
    const closing = harness.router.close();
    sockets[0]!.write(frame.subarray(3, 100));
    setImmediate(() => sockets[0]!.write(frame.subarray(100)));
    assert.equal((await message)[0].data, "x".repeat(256));
    assert.equal((await closed)[0].code, 1001);
    await closing;
  });

  it("that opens while the router closes gets the head of its response before the farewell", async () => {
    let closing: Promise<void> | undefined;
    await start((request, socket) => {
      closing = harness.router.close({ drainMs: 200 });
      setImmediate(() => echo(request, socket));
    });
    const answer = await raw(harness.port, `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 101 /);
    await closing;
  });

  it("is broken off when the router closes and its client does not answer the farewell", async () => {
    await start(echo);
    const gone = raw(harness.port, `GET /fn/echo HTTP/1.1\r\n${HANDSHAKE}\r\n`);
    await until(() => sockets.length === 1, "the function accepted");
    await harness.router.close({ drainMs: 50 });
    assert.match(await gone, /^HTTP\/1\.1 101 /);
  });

  it("is not what a client gets that offers h2c: its request is served as it is", async () => {
    await start(echo);
    const answer = await raw(
      harness.port,
      "GET /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 200 OK.*plain$/s);
  });
});
