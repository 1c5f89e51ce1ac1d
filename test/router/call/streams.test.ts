import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Harness, raw, send, textOf, until } from "../support/harness.ts";

const MIB = 1024 ** 2;

/** Memory of buffers in use, without what is garbage already. */
function bufferBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().arrayBuffers;
}

/** A client's request whose head is sent and whose body the test writes. */
function open(url: string, headers: http.OutgoingHttpHeaders = {}): http.ClientRequest {
  const request = http.request(url, { method: "POST", agent: false, headers });
  request.on("error", () => {});
  request.flushHeaders();
  return request;
}

async function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  return response;
}

describe("a stream through the router", () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it("brings events chunk by chunk, before the response ends", async () => {
    harness = await Harness.start();
    let out: http.ServerResponse | undefined;
    await harness.serve((_, response) => {
      out = response.writeHead(200, { "content-type": "text/event-stream" });
      out.flushHeaders();
    });
    const request = http.get(`${harness.url}/fn/echo`, { agent: false });
    const response = await responseTo(request);
    assert.equal(response.headers["content-type"], "text/event-stream");
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      out!.write(event);
      const [chunk] = (await once(response, "data")) as [Buffer];
      assert.equal(chunk.toString(), event);
    }
    out!.end();
    await once(response, "end");
    await harness.idle();
  });

  it("goes both ways at once", async () => {
    harness = await Harness.start();
    await harness.serve((request, response) => {
      request.on("data", (chunk: Buffer) => response.write(chunk.toString().toUpperCase()));
      request.on("end", () => response.end());
    });
    const request = open(`${harness.url}/fn/echo`);
    request.write("one");
    const response = await responseTo(request);
    const [first] = (await once(response, "data")) as [Buffer];
    assert.equal(first.toString(), "ONE");
    request.write("two");
    const [second] = (await once(response, "data")) as [Buffer];
    assert.equal(second.toString(), "TWO");
    request.end();
    response.resume();
    await once(response, "end");
  });

  it("carries 200 MiB down to a slow reader in bounded memory", async () => {
    harness = await Harness.start();
    let written = 0;
    await harness.serve((_, response) => {
      const chunk = Buffer.alloc(MIB, "x");
      const more = () => {
        while (written < 200 * MIB) {
          written += MIB;
          if (!response.write(chunk)) {
            response.once("drain", more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const before = bufferBytes();
    const response = await responseTo(http.get(`${harness.url}/fn/echo`, { agent: false }));
    // Nobody reads: the function must be held up before it has written much.
    let last = -1;
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const still = written === last;
      last = written;
      return still && written > 0;
    }, "the function is held up");
    assert.ok(written < 40 * MIB, `${written / MIB} MiB were taken from the function`);
    let bytes = 0;
    let nextLook = 0;
    let peak = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes >= nextLook) {
        nextLook += 20 * MIB;
        peak = Math.max(peak, bufferBytes());
      }
    }
    assert.equal(bytes, 200 * MIB);
    // Buffers that are free but not collected yet count as well.
    assert.ok(peak - before < 120 * MIB, `${(peak - before) / MIB} MiB more in use`);
  });

  for (const framing of ["content-length", "chunked"] as const) {
    it(`carries a 100 MiB upload (${framing}) to a slow function in bounded memory`, async () => {
      harness = await Harness.start({ limits: { callBodyBytes: 100 * MIB } });
      const { promise: go, resolve } = Promise.withResolvers<void>();
      await harness.serve(async (request, response) => {
        await go;
        let bytes = 0;
        for await (const chunk of request) bytes += (chunk as Buffer).length;
        response.end(String(bytes));
      });
      const size = 100 * MIB;
      const request = open(`${harness.url}/fn/echo`, framing === "chunked" ? {} : { "content-length": size });
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

  it("is released upstream when its client goes, 20 of 20", async () => {
    harness = await Harness.start();
    let open = 0;
    await harness.serve((_, response) => {
      open++;
      response.once("close", () => open--);
      response.write("first");
    });
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => responseTo(http.get(`${harness.url}/fn/echo`, { agent: false }))),
    );
    assert.equal(open, 20);
    assert.equal(harness.stats().inFlight, 20);
    for (const response of responses) response.on("error", () => {}).destroy();
    await until(() => open === 0, "all released");
    await harness.idle();
    assert.equal(harness.stats().abandoned, 20);
  });

  it("is released upstream when its client goes before the response starts, and in the middle of an upload", async () => {
    harness = await Harness.start();
    let open = 0;
    await harness.serve((request, response) => {
      open++;
      response.once("close", () => open--);
      request.on("error", () => {}).resume();
    });
    const waiting = http.get(`${harness.url}/fn/echo`, { agent: false }).on("error", () => {});
    const upload = http
      .request(`${harness.url}/fn/echo`, { method: "POST", agent: false })
      .on("error", () => {});
    upload.write("part");
    await until(() => open === 2, "both reached the function");
    waiting.destroy();
    upload.destroy();
    await until(() => open === 0, "both released");
    await harness.idle();
  });

  it("is released upstream when its client goes while the answer to an earlier, pipelined request is due", async () => {
    harness = await Harness.start();
    let open = 0;
    await harness.serve((_, response) => {
      open++;
      response.once("close", () => open--);
    });
    const socket = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    socket.write("GET /fn/echo/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /fn/echo/2 HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => open === 2, "both reached the function");
    socket.destroy();
    await until(() => open === 0, "both released");
    await harness.idle();
    assert.equal(harness.stats().abandoned, 2);
  });

  it("may get its response before its body has been sent, and the instance stays usable", async () => {
    harness = await Harness.start();
    await harness.serve((_, response) => response.end("early"));
    const request = open(`${harness.url}/fn/echo`);
    request.write("part");
    assert.equal(await textOf(await responseTo(request)), "early");
    await harness.idle();
    request.destroy();
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "early");
  });

  it("with a body over the limit is refused with 413 before it is sent, when its length is known", async () => {
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

  it("with a chunked body over the limit is refused with 413 and taken from the instance", async () => {
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
    const request = open(`${harness.url}/fn/echo`);
    for (let i = 0; i < 32; i++) request.write(Buffer.alloc(64 * 1024));
    const response = await responseTo(request);
    assert.equal(response.statusCode, 413);
    assert.equal(JSON.parse(await textOf(response)).code, "body_too_large");
    await until(() => gone, "the instance lost the call");
    assert.ok(bytes <= MIB);
    await harness.idle();
    request.destroy();
  });

  it("closes the connection of a client that sends on for too long after it was refused", async () => {
    harness = await Harness.start({ limits: { callBodyBytes: 10 } });
    await harness.serve((_, response) => response.end("reached"));
    const socket = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    socket.resume();
    socket.write("POST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    const sending = setInterval(() => socket.write("x"), 20);
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(sending);
  });

  it("is cut off after the idle time when nothing moves", async () => {
    harness = await Harness.start({ limits: { streamIdleMs: 80 } });
    await harness.serve((_, response) => response.write("first"));
    const answer = await raw(harness.port, "GET /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n");
    assert.match(answer, /first/);
    assert.doesNotMatch(answer, /\r\n0\r\n/, "no clean end");
    await harness.idle();
    assert.match(harness.lines.join("\n"), /80 ms \(SKIFF_STREAM_IDLE\)/);
  });

  it("is not cut off while events come, however long it lasts", async () => {
    harness = await Harness.start({ limits: { streamIdleMs: 100 } });
    await harness.serve((_, response) => {
      let events = 0;
      const timer = setInterval(() => {
        response.write(`${events}`);
        if (++events < 10) return;
        clearInterval(timer);
        response.end();
      }, 30);
    });
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "0123456789");
  });

  it("is cut off after the idle time when the client does not read", async () => {
    harness = await Harness.start({ limits: { streamIdleMs: 100 } });
    let closed = false;
    await harness.serve((_, response) => {
      response.once("close", () => {
        closed = true;
      });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(MIB)));
        response.once("drain", more);
      };
      more();
    });
    const socket = net.connect(harness.port, "127.0.0.1").on("error", () => {});
    socket.pause();
    socket.write("GET /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => closed, "the function lost its client");
    await harness.idle();
    socket.destroy();
  });

  it("has its time until the response start counted from the last part of its upload", async () => {
    harness = await Harness.start();
    await harness.serve(async (request, response) => response.end(await textOf(request)), { timeoutMs: 150 });
    const request = open(`${harness.url}/fn/echo`);
    for (let i = 0; i < 8; i++) {
      request.write(String(i));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    request.end();
    assert.equal(await textOf(await responseTo(request)), "01234567");
  });

  it("is refused with 408 when its upload stops", async () => {
    harness = await Harness.start();
    await harness.serve((request) => request.resume(), { timeoutMs: 100 });
    const request = open(`${harness.url}/fn/echo`);
    request.write("part");
    const response = await responseTo(request);
    assert.equal(response.statusCode, 408);
    assert.equal(JSON.parse(await textOf(response)).code, "request_timeout");
    request.destroy();
    await harness.idle();
  });

  /** Sends the head and then a byte of the body again and again; gives what comes back until the connection ends. */
  async function trickle(): Promise<string> {
    const socket = net.connect(harness.port, "127.0.0.1");
    let answer = "";
    socket.on("error", () => {}).setEncoding("latin1");
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.write("POST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    const sending = setInterval(() => socket.write("x"), 20);
    try {
      await until(() => socket.destroyed, "the connection ends");
    } finally {
      clearInterval(sending);
      socket.destroy();
    }
    return answer;
  }

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

  it("may take longer for its response than its upload may take", async () => {
    harness = await Harness.start({ limits: { uploadMs: 100 } });
    await harness.serve(async (request, response) => {
      const body = await textOf(request);
      setTimeout(() => response.end(body), 250);
    });
    assert.equal((await send(`${harness.url}/fn/echo`, { method: "POST", body: "whole" })).body, "whole");
  });
});
