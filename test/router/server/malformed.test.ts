import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { Harness, raw, send, until } from "../support/harness.ts";

describe("a malformed request", () => {
  let harness: Harness;
  let reached = 0;
  beforeEach(async () => {
    reached = 0;
    harness = await Harness.start({ headersMs: 100 });
    await harness.serve((request, response) => {
      reached++;
      request.resume();
      response.end("reached");
    });
  });
  afterEach(async () => {
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "reached", "the router is alive");
    await harness.close();
  });

  async function refused(text: string, status: number, code: string): Promise<Record<string, string>> {
    const answer = await raw(harness.port, text, (part) => part.endsWith("}\n"));
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer.slice(0, 300));
    assert.match(answer, /\r\nx-skiff-error: platform\r\n/);
    const document = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
    assert.equal(document.code, code);
    assert.equal(reached, 0);
    return document;
  }

  it("is 431 when its header block is over the limit, which is named", async () => {
    const { detail } = await refused(
      `GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-A: ${"a".repeat(40_000)}\r\n\r\n`,
      431,
      "headers_too_large",
    );
    assert.match(detail!, /32 KiB/);
  });

  it("is 408 when its header block does not arrive in time", async () => {
    await refused("GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-A:", 408, "request_timeout");
  });

  it("is 408 when its header block comes byte by byte, however steadily, or not at all", async () => {
    const slow = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    const silent = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    const answers = [slow, silent].map(async (socket) => {
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk) => {
        text += chunk;
      });
      await once(socket, "close");
      return text;
    });
    slow.write("GET /fn/echo HTTP/1.1\r\nHost: h\r\nX-A: ");
    const sending = setInterval(() => slow.write("a"), 10);
    for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 408 /);
    clearInterval(sending);
    await until(async () => (await harness.connections()) === 0, "both let go");
  });

  it("is 417 when it expects what nobody can promise", async () => {
    const fields = "Host: h\r\nExpect: 200-ok\r\nContent-Length: 3\r\n";
    const { detail } = await refused(`POST /fn/echo HTTP/1.1\r\n${fields}\r\n`, 417, "expectation_failed");
    assert.match(detail!, /100-continue/);
  });

  it("does not wait for ever for the body of such a request", async () => {
    const fields = "Host: h\r\nExpect: 200-ok\r\nContent-Length: 3\r\n";
    assert.match(await raw(harness.port, `POST /fn/echo HTTP/1.1\r\n${fields}\r\n`), /^HTTP\/1\.1 417 /);
  });

  it("is 405 when it asks for a tunnel, and survives the reset of its connection", async () => {
    const { detail } = await refused("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 405, "method_not_allowed");
    assert.match(detail!, /CONNECT/);
    for (const request of [
      "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
      "GET /fn/none HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "BREW / HTTP/1.1\r\n\r\n",
    ]) {
      for (let i = 0; i < 10; i++) {
        const socket = net
          .connect(harness.port, "127.0.0.1")
          .on("error", () => {})
          .resume();
        socket.write(request);
        // Half of them leave before they were answered.
        if (i % 2 === 0) await until(() => socket.bytesRead > 0, "the answer has begun");
        else await until(() => socket.bytesWritten === request.length, "the request is out");
        socket.resetAndDestroy();
      }
    }
    await until(async () => (await harness.connections()) === 0, "all connections let go");
  });

  it("does not hold a connection whose client never closes its side", async () => {
    const socket = net.connect({ port: harness.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {}).resume();
    socket.write("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\nmore");
    await once(socket, "end");
    await until(async () => (await harness.connections()) === 0, "the connection is let go");
    socket.destroy();
  });

  it("is cut off when a chunk of its body is malformed", async () => {
    const head = "POST /fn/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    const answer = await raw(harness.port, `${head}5\r\nhelloXX\r\n`);
    // The function answers before it has read the body.
    assert.match(answer, /^HTTP\/1\.1 (200|400) /);
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, answer);
    await harness.idle();
  });
});
