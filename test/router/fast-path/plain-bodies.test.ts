import assert from "node:assert/strict";
import net from "node:net";
import { Harness, send, until } from "../support/harness.ts";
import { RawConnection } from "../support/raw-connection.ts";

const HEAD = "POST /fn/echo HTTP/1.1\r\nHost: h\r\n";
const LENGTH = `${HEAD}Content-Length: 5\r\n\r\n`;
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const CHUNKS = "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-late: 1\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";

describe("a plain request with a body", () => {
  let harness: Harness;
  /** What the instance read at once. */
  let reads: string[];
  let sockets: net.Socket[];
  let answer: (socket: net.Socket) => void;
  beforeEach(async () => {
    harness = await Harness.start();
    reads = [];
    sockets = [];
    answer = (socket) => socket.write(`${OK}hi`);
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.setEncoding("latin1").on("error", () => {});
      socket.on("data", (chunk) => {
        const text = String(chunk);
        if (text.includes("x-skiff-probe")) socket.write("HTTP/1.1 204 No Content\r\n\r\n");
        else {
          reads.push(text);
          answer(socket);
        }
      });
    });
    await harness.publish("echo", [await harness.listen(server)]);
  });
  afterEach(() => harness.close());

  for (const [what, parts, end] of [
    ["with a length", [`${LENGTH}hello`], /\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nhello$/i],
    ["with a length, behind its head", [LENGTH, "hello"], /\r\n\r\nhello$/],
    ["in chunks", [CHUNKED + CHUNKS], /\r\n\r\n5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n$/],
    ["of 10 KB", [`${HEAD}Content-Length: 10240\r\n\r\n${"x".repeat(10_240)}`], /\r\n\r\nx{10240}$/],
  ] as const) {
    it(`goes to its instance in one write with its head: ${what}`, async () => {
      const connection = new RawConnection(harness.port);
      for (let count = 1; count <= 3; count++) {
        for (const part of parts) {
          connection.write(part);
          // On another connection: the part has arrived then.
          await send(`${harness.url}/fn/none`);
        }
        await connection.answered(count);
      }
      connection.destroy();
      assert.equal(reads.length, 3);
      for (const read of reads) assert.match(read, end);
    });
  }

  for (const [what, bytes, isAll] of [
    ["a body", `${OK}hi`, /hi$/],
    [
      "chunks",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
      /\r\n0\r\n\r\n$/,
    ],
    ["20 KB", `HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n${"x".repeat(20_000)}`, /x{20000}$/],
  ] as const) {
    it(`gets the head of its response and ${what} in one write`, async () => {
      answer = (socket) => socket.write(bytes);
      const socket = net
        .connect(harness.port, "127.0.0.1")
        .setEncoding("latin1")
        .on("error", () => {});
      const got: string[] = [];
      socket.on("data", (chunk) => got.push(String(chunk)));
      for (let count = 1; count <= 3; count++) {
        socket.write(`${LENGTH}hello`);
        await until(() => isAll.test(got.at(-1) ?? "") && got.length >= count, `answer ${count}`);
      }
      socket.destroy();
      assert.equal(got.length, 3);
    });
  }

  it("goes to its instance in few chunks, however tiny those of its client are", async () => {
    const connection = new RawConnection(harness.port);
    connection.write(`${CHUNKED}${"1\r\nx\r\n".repeat(10_000)}0\r\n\r\n`);
    await until(() => reads.join("").endsWith("0\r\n\r\n"), "it is there");
    connection.destroy();
    const body = reads.join("").split("\r\n\r\n")[1]!;
    assert.equal(body.match(/x/g)?.length, 10_000);
    assert.ok(body.match(/\r\n/g)!.length < 100, body.slice(0, 100));
  });

  it("is released upstream when its client goes in the middle of it, 20 of 20", async () => {
    answer = (socket) => reads.length <= 20 && socket.write(`${OK}hi`);
    const connections = Array.from({ length: 20 }, () => new RawConnection(harness.port));
    for (const connection of connections) connection.write(`${LENGTH}hello`);
    for (const connection of connections) await connection.answered(1);
    for (const connection of connections) connection.write(`${LENGTH}he`);
    await until(() => reads.length === 40, "all of them have begun");
    assert.equal(harness.stats().inFlight, 20);
    for (const connection of connections) connection.destroy();
    await harness.idle();
    await until(
      () => sockets.filter(({ destroyed }) => destroyed).length >= 20,
      "all connections are closed",
    );
    assert.equal(harness.stats().abandoned, 20);
  });

  for (const [what, first, then] of [
    ["a chunk has no valid size", `${CHUNKED}2\r\nhe\r\n`, "x\r\n"],
    ["a chunk is longer than its size", `${CHUNKED}2\r\nhe`, "llo\r\n"],
    ["a trailer frames the body", `${CHUNKED}2\r\nhe\r\n0\r\n`, "Content-Length: 2\r\n\r\n"],
    ["a trailer has no name", `${CHUNKED}2\r\nhe\r\n0\r\n`, ": 2\r\n\r\n"],
    ["a size and its extensions have no end", `${CHUNKED}2\r\nhe\r\n`, `3;${"a".repeat(2_000)}`],
  ] as const) {
    it(`is refused with 400 when ${what}, after its beginning has reached the instance`, async () => {
      answer = () => {};
      const connection = new RawConnection(harness.port);
      connection.write(first);
      await until(() => reads.length === 1, "the instance has it");
      connection.write(then);
      await connection.closed();
      assert.deepEqual(connection.answers(), ["400 invalid_request"]);
      await harness.idle();
      await until(() => sockets[0]!.destroyed, "the instance has lost it");
    });
  }

  for (const [what, bytes] of [
    ["a head", HEAD],
    ["a body that has not reached the instance", CHUNKED],
    ["a body with a length", `${LENGTH}he`],
    ["a body in chunks", `${CHUNKED}2\r\nhe\r\n`],
  ] as const) {
    it(`is refused with 400 when its client ends in the middle of ${what}`, async () => {
      answer = () => {};
      const socket = net.connect({ port: harness.port, host: "127.0.0.1", allowHalfOpen: true });
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk) => (text += chunk));
      socket.end(bytes);
      await until(() => socket.readableEnded, "the answer is there");
      socket.destroy();
      assert.match(text, /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/);
    });
  }
});
