import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { Harness, raw, send, until } from "../support/harness.ts";

describe("an instance that fails", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(async () => {
    await harness.idle();
    await harness.close();
  });

  /** An instance that answers every connection's first bytes as the test says. */
  async function serveRaw(
    answer: (socket: net.Socket, text: string) => void,
    settings: Record<string, unknown> = {},
  ) {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes) => answer(socket, String(bytes)));
    });
    await harness.publish("echo", [await harness.listen(server)], settings);
  }

  const broken: [string, (socket: net.Socket) => void][] = [
    ["closes the connection", (socket) => socket.end()],
    ["resets the connection", (socket) => socket.destroy()],
    ["breaks off in the middle of its head", (socket) => socket.end("HTTP/1.1 200 OK\r\nx-a: ")],
    ["does not speak HTTP", (socket) => socket.end("hello\r\n\r\n")],
    ["sends a malformed head", (socket) => socket.end("HTTP/1.1 200 OK\r\nx a: b\r\n\r\n")],
    ["sends a status that is none", (socket) => socket.end("HTTP/1.1 20 OK\r\n\r\n")],
    [
      "sends two lengths",
      (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    ],
    [
      "switches protocols unasked",
      (socket) => socket.end("HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ],
  ];
  for (const [what, answer] of broken) {
    it(`is answered for with 502 when it ${what}`, async () => {
      await serveRaw(answer);
      const { status, headers, body } = await send(`${harness.url}/fn/echo`);
      assert.equal(status, 502, body);
      assert.equal(headers["x-skiff-error"], "platform");
      assert.equal(JSON.parse(body).code, "instance_failed");
      assert.equal(harness.stats().refused.instance_failed, 1);
      assert.ok(harness.lines.some((line) => line.includes("/fn/echo") && line.includes("502")));
    });
  }

  it("gets calls again a moment after it broke one off, if it lives", async () => {
    let calls = 0;
    await harness.serve((request, response) => {
      if (request.url === "/" && request.headers["x-skiff-probe"] === undefined && calls++ === 0) {
        request.socket.destroy();
      } else response.end("alive");
    });
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 502);
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "alive");
  });

  for (const answer of ["", "HTTP/1.1 200 OK\r\n\r\n"]) {
    it(`keeps no connection of a probe that it ${answer === "" ? "does not answer" : "answers without end"}`, async () => {
      const probes = new Set<net.Socket>();
      let seen = 0;
      await serveRaw((socket, text) => {
        if (!text.includes("x-skiff-probe")) return void socket.destroy();
        seen++;
        probes.add(socket.once("close", () => probes.delete(socket)));
        socket.write(answer);
      });
      assert.equal((await send(`${harness.url}/fn/echo`)).status, 502);
      await until(() => seen === 1, "it is probed");
      await until(() => probes.size === 0, "the probe has ended");
    });
  }

  it("holds up nobody else when what it sent is no response", async () => {
    await serveRaw((socket) => socket.end("hello\r\n\r\n"));
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 502);
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 502);
    assert.equal(harness.stats().waitedMs, 0);
  });

  for (const framing of ["content-length: 9", "transfer-encoding: chunked"]) {
    it(`never ends a response cleanly that it broke off (${framing})`, async () => {
      const sockets: net.Socket[] = [];
      await serveRaw((socket) => {
        sockets.push(socket);
        socket.write(
          `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${framing.startsWith("t") ? "2\r\nab\r\n" : "ab"}`,
        );
      });
      const request = http.get(`${harness.url}/fn/echo`, { agent: false });
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      await once(response, "data");
      sockets[0]!.destroy();
      const [error] = (await once(response, "error")) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ECONNRESET");
    });
  }

  it("resets the connection of an HTTP/1.0 client, to which the end would look clean", async () => {
    const sockets: net.Socket[] = [];
    await serveRaw((socket) => {
      sockets.push(socket);
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n");
    });
    const answer = raw(harness.port, "GET /fn/echo HTTP/1.0\r\nHost: h\r\n\r\n", (text) => {
      if (text.endsWith("ab")) sockets[0]!.destroy();
      return text.includes("ECONNRESET");
    });
    assert.match(await answer, /ab\[ECONNRESET\]$/);
  });

  it("is answered for with 504 when it does not answer in time, and loses the call", async () => {
    let closed = false;
    await serveRaw((socket) => socket.once("close", () => (closed = true)), { timeoutMs: 100 });
    const { status, body } = await send(`${harness.url}/fn/echo`);
    assert.equal(status, 504);
    assert.match(JSON.parse(body).detail, /timeoutMs of the function is 100 ms/);
    await until(() => closed, "the instance lost the call");
  });

  it("does not keep its other calls from being answered", async () => {
    await harness.serve((request, response) => {
      if (request.url === "/bad") request.socket.destroy();
      else response.end("good");
    });
    const paths = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? "bad" : "good"));
    const answers = await Promise.all(paths.map((path) => send(`${harness.url}/fn/echo/${path}`)));
    for (const [i, { status }] of answers.entries()) assert.equal(status, paths[i] === "bad" ? 502 : 200);
  });

  it("may answer as HTTP/1.0 does, until the end of the connection", async () => {
    await serveRaw((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nuntil the end"));
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "until the end");
  });

  it("is not sent a call again of which it may have seen a byte", async () => {
    let seen = 0;
    await serveRaw((socket) => {
      seen++;
      socket.destroy();
    });
    await send(`${harness.url}/fn/echo`, { method: "POST", body: "x" });
    assert.equal(seen, 1);
  });
});
