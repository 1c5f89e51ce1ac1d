import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessLog } from "../../../router/telemetry/access-log.ts";
import type { CallRecord } from "../../../router/telemetry/call-record.ts";
import { fieldForLog, pathForLog } from "../../../router/telemetry/call-record.ts";
import { Harness, raw, send, until } from "../support/harness.ts";

type Line = Record<string, unknown>;

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("the access log", () => {
  let folder: string;
  let file: string;
  let harness: Harness | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-access-log-"));
    file = join(folder, "access.log");
  });
  afterEach(async () => {
    await harness?.close();
    harness = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(listener: http.RequestListener): Promise<Harness> {
    harness = await Harness.start({ env: { SKIFF_ACCESS_LOG: file } });
    await harness.serve(listener);
    return harness;
  }

  /** What is in the file once the router has closed. */
  async function linesOf(started: Harness): Promise<Line[]> {
    await started.close();
    harness = undefined;
    const text = readFileSync(file, "utf8");
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  }

  it("has one line of JSON for a call", async () => {
    const started = await start(async (request, response) => {
      for await (const _ of request);
      response.end("hello");
    });
    const answer = await send(`${started.url}/fn/echo/a/b?secret=1`, {
      method: "POST",
      body: "four",
      headers: {
        traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
        "user-agent": "test/1",
        "x-forwarded-for": "192.0.2.1",
      },
    });
    const [line, ...more] = await linesOf(started);
    assert.deepEqual(more, []);
    const { time, durationMs, responseBytes, ...rest } = line!;
    assert.deepEqual(rest, {
      level: "info",
      callId: answer.headers["x-skiff-call-id"],
      traceId: TRACE,
      method: "POST",
      path: "/fn/echo/a/b",
      function: "echo",
      version: 1,
      instance: "fake-2",
      status: 200,
      requestBytes: 4,
      remoteAddress: "127.0.0.1",
      forwardedFor: "192.0.2.1",
      userAgent: "test/1",
    });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok((durationMs as number) > 0);
    assert.ok((responseBytes as number) > "hello".length);
  });

  it("says why Skiff answered itself, also for functions that there are not", async () => {
    const started = await start((_, response) => response.destroy());
    await send(`${started.url}/fn/echo`);
    await send(`${started.url}/fn/nothing?x=y`);
    const lines = await linesOf(started);
    assert.deepEqual(
      lines.map(({ status, code, function: name, path }) => [status, code, name, path]),
      [
        [502, "instance_failed", "echo", "/fn/echo"],
        [404, "unknown_function", undefined, "/fn/nothing"],
      ],
    );
  });

  it("says that a call woke its function, how long it waited and how often it was tried again", async () => {
    let starts = 0;
    harness = await Harness.start({
      env: { SKIFF_ACCESS_LOG: file },
      limits: { instanceWaitMs: 300 },
      start: () =>
        starts++ === 0 ? { unix: "/nonexistent" } : harness!.instance((_, response) => response.end()),
    });
    await harness.publish("echo", []);
    await send(`${harness.url}/fn/echo`);
    harness.platform.setInstances("echo", [{ unix: "/nonexistent/skiff.sock" }]);
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 503);
    const [cold, retried] = await linesOf(harness);
    assert.equal(cold!.cold, true);
    assert.ok((cold!.waitedMs as number) > 0);
    assert.equal(cold!.retries, undefined);
    assert.deepEqual([retried!.retries, retried!.code], [1, "no_capacity"]);
  });

  it("says that a client left before its answer was there", async () => {
    const started = await start(() => {});
    const request = http.get(`${started.url}/fn/echo`, { agent: false });
    request.on("error", () => {});
    const inFlight = () => [...started.router.stats()][0]?.inFlight;
    await until(() => inFlight() === 1, "the call is there");
    request.destroy();
    await started.idle();
    const [line] = await linesOf(started);
    assert.deepEqual([line!.aborted, line!.status], [true, undefined]);
  });

  it("has a line for a WebSocket when it ends", async () => {
    const started = await start(() => {});
    const [server] = [http.createServer()];
    server.on("upgrade", (_, socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye",
      );
      socket.on("data", () => socket.end());
    });
    await started.publish("socket", [await started.listen(server)]);
    const head = "GET /fn/socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const answer = await raw(started.port, `${head}ping`, (text) => text.endsWith("bye"));
    assert.match(answer, /^HTTP\/1\.1 101/);
    await started.idle("socket");
    const [line] = await linesOf(started);
    assert.deepEqual([line!.status, line!.function, line!.requestBytes], [101, "socket", 4]);
  });

  it("is not torn by what clients send, and shows no control character", async () => {
    const started = await start((_, response) => response.end());
    const answer = await raw(
      started.port,
      `GET /fn/echo/"}\\ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: a"\\\x9b31m\xe9${"x".repeat(400)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 200/);
    const [line] = await linesOf(started);
    assert.equal(line!.path, "/fn/echo/%22%7D%5C");
    assert.equal((line!.userAgent as string).slice(0, 10), 'a"\\?31m?xx');
    assert.equal((line!.userAgent as string).length, 256);
    assert.ok(/^[\x20-\x7e\n]*$/.test(readFileSync(file, "utf8")));
  });

  it("is appended to", async () => {
    for (const _ of [1, 2]) {
      const started = await start((_, response) => response.end());
      await send(`${started.url}/fn/echo`);
      await started.close();
      harness = undefined;
    }
    assert.equal(readFileSync(file, "utf8").trimEnd().split("\n").length, 2);
  });

  it("that cannot be written is said so at the start", async () => {
    const bad = join(folder, "not", "there");
    await assert.rejects(
      Harness.start({ env: { SKIFF_ACCESS_LOG: bad } }),
      /SKIFF_ACCESS_LOG=.* cannot be written: ENOENT/,
    );
  });
});

describe("an access log that is not read", () => {
  let folder: string;
  let pipe: string;
  let reader: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-access-log-"));
    pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  });
  afterEach(() => {
    closeSync(reader);
    rmSync(folder, { recursive: true, force: true });
  });

  const call = (path: string): CallRecord => {
    const request = new http.IncomingMessage({} as never);
    request.url = path;
    return { id: "id", request, status: 200, durationMs: 1 } as unknown as CallRecord;
  };

  /** What is in the pipe now. */
  const readPipe = (): string => {
    const bytes = Buffer.alloc(1_000_000);
    try {
      return bytes.toString("utf8", 0, readSync(reader, bytes));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
      return "";
    }
  };

  it("holds a bounded number of lines, drops and counts the others, and does not hold up the end", async () => {
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    const log = new AccessLog({ target: pipe, print, heldBytes: 400_000 });
    const path = `/${"x".repeat(900)}`;
    for (let i = 0; i < 1_000; i++) log.write(call(path));
    assert.ok(log.dropped > 500);
    let text = "";
    await until(() => {
      text += text === "" ? readPipe() : "";
      return text !== "";
    }, "something is written");
    await log.close(50);
    const before = log.dropped;
    log.write(call(path));
    assert.equal(log.dropped, before + 1);
    assert.deepEqual(lines, []);
    // Whole lines up to the last one, which the full pipe may have cut.
    const read = text.split("\n").slice(0, -1);
    assert.ok(read.length > 0);
    for (const line of read) assert.equal(JSON.parse(line).path, path);
  });

  it("goes on when it is read again", async () => {
    const log = new AccessLog({ target: pipe, print: () => {}, heldBytes: 300_000 });
    for (let i = 0; i < 200; i++) log.write(call(`/${"x".repeat(900)}`));
    let text = "";
    const closed = log.close(5_000);
    await until(() => {
      text += readPipe();
      return text.split("\n").length === 201;
    }, "all lines are read");
    await closed;
    assert.equal(log.dropped, 0);
  });
});

describe("text in the access log", () => {
  it("has the path alone, of every form of a target", () => {
    assert.equal(pathForLog("/fn/a?token=x"), "/fn/a");
    assert.equal(pathForLog("/fn/a#b?c"), "/fn/a");
    assert.equal(pathForLog("http://user:secret@h:1/fn/a?x"), "/fn/a");
    assert.equal(pathForLog(`/${"a".repeat(100_000)}`).length, 2_048);
    assert.equal(pathForLog(`/${'"'.repeat(100_000)}`).length, 2_048);
    assert.equal(pathForLog("/\x9b2J\xff"), "/%9B2J%FF");
    assert.equal(pathForLog("/\u2028\u{1f600}").includes("\u2028"), false);
  });

  it("has short fields in printable ASCII", () => {
    assert.equal(fieldForLog(undefined), undefined);
    assert.equal(fieldForLog("a\tb\x7f\x85\u202e"), "a?b???");
    assert.equal(fieldForLog("x".repeat(1_000))?.length, 256);
  });
});
