import { strict as assert } from "node:assert";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import request from "supertest";
import { readBody } from "../../../http/body/read-body.ts";
import { ClientLeft } from "../../../http/client-signal.ts";
import { Problem } from "../../../platform/problems.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

/** A request as far as its body is concerned. */
function incoming(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

const LIMITS = { maxBytes: 8, tooLarge: "source_too_large", advice: "make it smaller." } as const;

describe("manager: reading a body", () => {
  it("gives the bytes in one piece", async () => {
    const body = incoming();
    const read = readBody(body, LIMITS);
    body.write("1234");
    body.end("5678");
    assert.equal((await read).toString(), "12345678");
  });

  it("gives up when the body does not arrive in time", async () => {
    const body = incoming();
    body.write("12");
    await assert.rejects(
      readBody(body, { ...LIMITS, deadlineMs: 5 }),
      (error) =>
        error instanceof Problem && error.code === "request_timeout" && /within 5 ms/.test(error.detail),
    );
  });

  it("says that the client left when the connection breaks", async () => {
    const body = incoming();
    const read = readBody(body, LIMITS);
    body.destroy();
    await assert.rejects(read, ClientLeft);
    await assert.rejects(readBody(body, LIMITS), ClientLeft);
  });

  describe("over HTTP", () => {
    let skiff: StartedManager;
    beforeEach(async () => {
      skiff = await startManager({ limits: { sourceBytes: 1024 } });
    });
    afterEach(() => skiff.stop());

    it("takes a source of exactly the limit and refuses one byte more, naming the limit", async () => {
      await request(skiff.url).post("/func?name=a").send("x".repeat(1024)).expect(201);
      const answer = await request(skiff.url).post("/func?name=a").send("x".repeat(1025)).expect(413);
      assert.equal(answer.body.code, "source_too_large");
      assert.equal(answer.body.setting, "SKIFF_MAX_SOURCE");
      assert.match(answer.body.detail, /1 KiB.*SKIFF_MAX_SOURCE/);
    });

    it("refuses a declared length before the body comes", async () => {
      const head = `POST /func?name=a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n`;
      assert.match(await firstAnswer(skiff.port, head), /^HTTP\/1\.1 413 /);
    });

    it("refuses a body of unknown length as soon as it is over the limit", async () => {
      const head = `POST /func?name=a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`;
      const answer = await firstAnswer(skiff.port, `${head}401\r\n${"x".repeat(1025)}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 413 /);
    });

    it("tells a client that waits for it to go on", async () => {
      const head = `POST /func?name=a HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n`;
      assert.match(await firstAnswer(skiff.port, head), /^HTTP\/1\.1 100 Continue/);
    });

    it("goes on serving after a client that left in the middle", async () => {
      const head = `POST /func?name=a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nxx`;
      const socket = connect(skiff.port, "127.0.0.1");
      socket.end(head);
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
      await request(skiff.url).get("/healthz").expect(200);
      assert.equal(await skiff.platform.describe("a"), undefined);
    });
  });
});

/** What the server says first, whether or not it has all of the request. */
async function firstAnswer(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(5_000, () => socket.destroy(new Error("no answer within 5 s")));
  socket.write(bytes);
  for await (const chunk of socket) return String(chunk);
  throw new Error("the connection was closed without an answer");
}
