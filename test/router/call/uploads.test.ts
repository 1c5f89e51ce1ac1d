import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { Harness, openUpload, responseTo, send, textOf, until } from "../support/harness.ts";
import { NODES_OWN, RawConnection } from "../support/raw-connection.ts";

const MIB = 1024 ** 2;

describe("a call with a body", () => {
  let harness: Harness;
  afterEach(() => harness.close());

  /** Sends the head and then a byte of the body again and again; gives what comes back until the connection ends. */
  async function trickle(path = ""): Promise<string> {
    const socket = net.connect(harness.port, "127.0.0.1");
    let answer = "";
    socket.on("error", () => {}).setEncoding("latin1");
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.write(`POST /fn/echo${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n`);
    const sending = setInterval(() => socket.write("x"), 20);
    try {
      await until(() => socket.destroyed, "the connection ends");
    } finally {
      clearInterval(sending);
      socket.destroy();
    }
    return answer;
  }

  for (const framing of ["content-length", "chunked"] as const) {
    it(`carries 100 MiB (${framing}) to a slow function in bounded memory`, async () => {
      harness = await Harness.start({ limits: { callBodyBytes: 100 * MIB } });
      const { promise: go, resolve } = Promise.withResolvers<void>();
      await harness.serve(async (request, response) => {
        await go;
        let bytes = 0;
        for await (const chunk of request) bytes += (chunk as Buffer).length;
        response.end(String(bytes));
      });
      const size = 100 * MIB;
      const request = openUpload(
        `${harness.url}/fn/echo`,
        framing === "chunked" ? {} : { "content-length": size },
      );
      const chunk = Buffer.alloc(MIB, "x");
      let written = 0;
      while (written < size && request.write(chunk)) written += MIB;
      written += MIB;
      assert.ok(written < 40 * MIB, "the client is held up");
      resolve();
      while (written < size) {
        if (!request.write(chunk)) await once(request, "drain");
        written += MIB;
      }
      request.end();
      assert.equal(await textOf(await responseTo(request)), String(size));
    });
  }

  it("may get its response before its body has been sent, and the instance stays usable", async () => {
    harness = await Harness.start();
    await harness.serve((_, response) => response.end("early"));
    const request = openUpload(`${harness.url}/fn/echo`);
    request.write("part");
    assert.equal(await textOf(await responseTo(request)), "early");
    await harness.idle();
    request.destroy();
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "early");
  });

  it("may get its response before its body has come, whose rest leaves the connection usable", async () => {
    harness = await Harness.start();
    await harness.serve((_, response) => response.end("early"));
    const connection = new RawConnection(harness.port);
    const length = 3 * 64 * 1024;
    connection.write(`POST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`);
    connection.write("x".repeat(10));
    await connection.answered(1);
    await harness.idle();
    connection.write("x".repeat(length - 10));
    connection.write("GET /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n");
    await connection.answered(2);
    assert.deepEqual(connection.answers(), ["200", "200"]);
    connection.destroy();
  });

  it("over the limit is refused with 413 before anything is sent, when its length is known", async () => {
    harness = await Harness.start({ limits: { callBodyBytes: 10 } });
    await harness.serve((_, response) => response.end("reached"));
    const answer = await send(`${harness.url}/fn/echo`, { method: "POST", body: "x".repeat(11) });
    assert.equal(answer.status, 413);
    assert.match(JSON.parse(answer.body).detail, /10 bytes \(SKIFF_MAX_BODY\)/);
    assert.equal(
      (await send(`${harness.url}/fn/echo`, { method: "POST", body: "x".repeat(10) })).body,
      "reached",
    );
  });

  it("in chunks over the limit is refused with 413 and taken from the instance", async () => {
    harness = await Harness.start({ limits: { callBodyBytes: MIB } });
    let gone = false;
    let bytes = 0;
    await harness.serve((request) => {
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on("error", () => {});
      request.once("close", () => {
        gone = true;
      });
    });
    const request = openUpload(`${harness.url}/fn/echo`);
    for (let i = 0; i < 32; i++) request.write(Buffer.alloc(64 * 1024));
    const response = await responseTo(request);
    assert.equal(response.statusCode, 413);
    assert.equal(JSON.parse(await textOf(response)).code, "body_too_large");
    await until(() => gone, "the instance lost the call");
    assert.ok(bytes <= MIB);
    await harness.idle();
    request.destroy();
  });

  it("loses its connection when its client sends on for too long after it was refused", async () => {
    harness = await Harness.start({ limits: { callBodyBytes: 10 } });
    await harness.serve((_, response) => response.end("reached"));
    assert.match(await trickle(), /^HTTP\/1\.1 413 /);
  });

  it("has its time until the response start counted from the last part of its upload", async () => {
    harness = await Harness.start();
    const settings = { timeoutMs: 300 };
    await harness.serve(async (request, response) => {
      if (request.url === "/echo") response.end(await textOf(request));
    }, settings);
    const request = openUpload(`${harness.url}/fn/echo/echo`);
    const sending = setInterval(() => request.write("."), 10);
    try {
      // Calls that come after it have had their time.
      for (let i = 0; i < 2; i++) assert.equal((await send(`${harness.url}/fn/echo/never`)).status, 504);
    } finally {
      clearInterval(sending);
    }
    request.end("last");
    assert.match(await textOf(await responseTo(request)), /^\.+last$/);
  });

  it("is refused with 408 when its upload stops", async () => {
    harness = await Harness.start();
    await harness.serve((request) => request.resume(), { timeoutMs: 100 });
    const request = openUpload(`${harness.url}/fn/echo`);
    request.write("part");
    const response = await responseTo(request);
    assert.equal(response.statusCode, 408);
    assert.equal(JSON.parse(await textOf(response)).code, "request_timeout");
    request.destroy();
    await harness.idle();
  });

  it("is refused with 408 when its upload takes too long, however steadily it comes", async () => {
    harness = await Harness.start({ limits: { uploadMs: 200 } });
    let gone = false;
    await harness.serve((request) => request.resume().once("close", () => (gone = true)));
    const answer = await trickle();
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /200 ms \(SKIFF_UPLOAD_TIMEOUT\)/);
    await until(() => gone, "the instance lost the call");
    await harness.idle();
  });

  it("is cut off when its upload takes too long after the response has begun", async () => {
    harness = await Harness.start({ limits: { uploadMs: 200 } });
    await harness.serve((request, response) => {
      request.on("data", (chunk: Buffer) => response.write(chunk)).on("error", () => {});
    });
    const answer = await trickle();
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, /\r\n0\r\n/, "no clean end");
    await harness.idle();
  });

  for (const own of ["", NODES_OWN]) {
    const reader = own === "" ? "the fast path" : "Node";
    it(`leaves nothing behind when its rest comes after its response, read by ${reader}`, async () => {
      harness = await Harness.start({ limits: { streamIdleMs: 60 } });
      await harness.serve((_, response) => response.end("early"), { timeoutMs: 100 });
      const connection = new RawConnection(harness.port);
      connection.write(`POST /fn/echo HTTP/1.1\r\nHost: h\r\n${own}Content-Length: 100\r\n\r\n0123456789`);
      await connection.answered(1);
      await harness.idle();
      connection.write("x".repeat(90));
      // Its times for a response and for a stream are over by then.
      await harness.publish("slow", [await harness.instance(() => {})], { timeoutMs: 300 });
      assert.equal((await send(`${harness.url}/fn/slow`)).status, 504);
      assert.deepEqual(
        harness.lines.filter((line) => line.includes("/fn/echo")),
        [],
      );
      connection.destroy();
    });
  }

  it("is told that its upload took too long, whenever the timer fires", async () => {
    harness = await Harness.start({ limits: { uploadMs: 50 } });
    await harness.serve((request) => request.resume(), { timeoutMs: 10_000 });
    const uploads = Array.from({ length: 40 }, () => trickle());
    for (const answer of await Promise.all(uploads)) assert.match(answer, /SKIFF_UPLOAD_TIMEOUT/);
  });

  it("may take longer for its response than its upload may take", async () => {
    harness = await Harness.start({ limits: { uploadMs: 100 } });
    let respond: (() => void) | undefined;
    await harness.serve(async (request, response) => {
      if (request.url === "/late") return request.resume();
      const body = await textOf(request);
      respond = () => response.end(body);
    });
    const answer = send(`${harness.url}/fn/echo`, { method: "POST", body: "whole" });
    await until(() => respond !== undefined, "the upload is there");
    // The time for an upload that began later is over.
    assert.match(await trickle("/late"), /^HTTP\/1\.1 408 /);
    respond!();
    assert.equal((await answer).body, "whole");
  });
});
