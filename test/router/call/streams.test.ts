import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Harness, openUpload, raw, responseTo, until } from "../support/harness.ts";
import { NODES_OWN } from "../support/raw-connection.ts";

const MIB = 1024 ** 2;

/** Memory of buffers in use, without what is garbage already. */
function bufferBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().arrayBuffers;
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
    const request = openUpload(`${harness.url}/fn/echo`);
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
    let [last, turns] = [-1, 0];
    await until(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      turns = written === last ? turns + 1 : 0;
      last = written;
      return written > 0 && turns === 100;
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
    const get = `GET /fn/echo HTTP/1.1\r\nHost: h\r\n${NODES_OWN}\r\n`;
    socket.write(get + get);
    await until(() => open === 2, "both reached the function");
    socket.destroy();
    await until(() => open === 0, "both released");
    await harness.idle();
    assert.equal(harness.stats().abandoned, 2);
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

  it("is not cut off while events come, while silent ones are", async () => {
    harness = await Harness.start({ limits: { streamIdleMs: 300 } });
    let out: http.ServerResponse | undefined;
    await harness.serve((request, response) => {
      response.write("first");
      if (request.url === "/events") out = response;
    });
    const events = await responseTo(http.get(`${harness.url}/fn/echo/events`, { agent: false }));
    let text = "";
    events.on("data", (chunk) => {
      text += chunk;
    });
    await until(() => out !== undefined, "the stream has begun");
    const sending = setInterval(() => out!.write("."), 10);
    try {
      // Each silent one begins after some events, and its time ends after that of the event before it.
      for (let i = 0; i < 2; i++) {
        const { length } = text;
        await until(() => text.length > length + 1, "events come");
        await raw(harness.port, "GET /fn/echo/silent HTTP/1.1\r\nHost: h\r\n\r\n");
      }
    } finally {
      clearInterval(sending);
    }
    out!.end("last");
    await once(events, "end");
    assert.match(text, /^first\.+last$/);
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
});
