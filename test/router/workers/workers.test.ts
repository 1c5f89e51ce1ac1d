import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { processesWith } from "../../support/instances/processes.ts";
import { servingOf } from "../../support/platform/deploying.ts";
import { raw } from "../support/harness.ts";
import { Client, FOLDER, WorkersHarness, type WorkersHarnessOptions } from "./harness.ts";

describe("routers in several processes", () => {
  let harness: WorkersHarness;
  let clients: Client[] = [];
  let held: http.ServerResponse[] = [];

  beforeEach(() => {
    held = [];
  });
  afterEach(async () => {
    for (const response of held) response.end();
    for (const client of clients.splice(0)) client.close();
    await harness.close();
  });

  /** An instance that answers when the test says so. */
  const hold: http.RequestListener = (_, response) => held.push(response);

  async function start(options: WorkersHarnessOptions = {}): Promise<void> {
    harness = await WorkersHarness.start(options);
  }

  /** Clients with a connection each. */
  function connect(count: number): Client[] {
    clients = Array.from({ length: count }, () => new Client(harness.url));
    return clients;
  }

  const load = () => harness.platform.loads.at(-1);

  it("share connections; one that is killed loses its own calls alone, and comes back", async () => {
    await start();
    await harness.serve(hold);
    const calls = connect(24).map((client) => client.get("/fn/echo"));
    await eventually("all calls are there", () => held.length === 24);
    const [victim] = harness.pids;
    process.kill(victim!, "SIGKILL");
    await eventually("it comes back", () => {
      const { pids } = harness;
      return pids.length === 2 && !pids.includes(victim!);
    });
    for (const response of held) response.end("whole");
    const answers = await Promise.all(calls);
    const whole = answers.filter((answer) => answer === "200 whole");
    const broken = answers.filter((answer) => answer.startsWith("broken off"));
    assert.equal(whole.length + broken.length, 24, answers.join());
    assert.ok(whole.length > 0 && broken.length > 0, answers.join());
    assert.match(
      harness.lines.join("\n"),
      /router process \d ended by SIGKILL; the next one starts in 0.1 s/,
    );
    const again = connect(24).map((client) => client.get("/fn/echo"));
    await eventually("all calls are there", () => held.length === 48);
    for (const response of held.slice(24)) response.end("again");
    assert.deepEqual(new Set(await Promise.all(again)), new Set(["200 again"]));
  });

  it("are restarted later and later when they end early in a row", async () => {
    await start();
    const waits = [0.1, 0.2, 0.4, 0.8];
    for (const wait of waits) {
      await eventually("both run", () => harness.pids.length === 2);
      process.kill(harness.pids[0]!, "SIGKILL");
      await eventually(`the next one starts in ${wait} s`, () => {
        return harness.lines.some((line) => line.endsWith(`the next one starts in ${wait} s`));
      });
    }
    assert.equal(harness.lines.length, waits.length, harness.lines.join("\n"));
  });

  it("are ended when they hang, and followed by others", async function () {
    this.timeout(40_000);
    await start();
    const [hanging] = harness.pids;
    process.kill(hanging!, "SIGSTOP");
    const isReplaced = () => harness.pids.length === 2 && !harness.pids.includes(hanging!);
    await eventually("it is replaced", isReplaced, 30_000);
    assert.match(harness.lines.join("\n"), /router process \d has not answered for 10 s/);
  });

  it("wake a function once for all of them, and pass on what became of it", async () => {
    let starts = 0;
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    await start({
      async start() {
        if (starts++ > 0) await ready;
        if (starts > 2) throw new Problem("no_capacity", "It crashes at its start.", { retryAfterS: 7 });
        return harness.instance((_, response) => response.end("awake"));
      },
    });
    await harness.publish("echo", []);
    const calls = connect(50).map((client) => client.get("/fn/echo"));
    await eventually("all of them wait", () => load()?.waiting === 50);
    resolve();
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(["200 awake"]));
    assert.equal(starts, 2);
    harness.platform.setInstances("echo", []);
    await harness.front.caughtUp();
    const response = await fetch(`${harness.url}/fn/echo`);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "7");
    assert.equal(((await response.json()) as { detail: string }).detail, "It crashes at its start.");
  });

  it("print why a function was not woken, whatever the reason", async () => {
    await start({
      async start() {
        if (harness.platform.loads.length > 0) throw new TypeError("nobody expected this");
        return harness.instance(hold);
      },
    });
    await harness.publish("echo", []);
    assert.equal((await fetch(`${harness.url}/fn/echo`)).status, 500);
    const isPrinted = () =>
      harness.lines.some((line) => /^Waking echo failed: .*nobody expected this/.test(line));
    await eventually("it is printed", isPrinted);
  });

  it("all go by a new version, and by a removal, once they are said to have caught up", async () => {
    await start({ workers: 3 });
    await harness.serve((_, response) => response.end("old"));
    const nine = connect(9);
    const answers = async () => new Set(await Promise.all(nine.map((client) => client.get("/fn/echo"))));
    assert.deepEqual(await answers(), new Set(["200 old"]));
    for (let round = 0; round < 5; round++) {
      const address = await harness.instance((_, response) => response.end(`round ${round}`));
      await harness.publish("echo", [address]);
      assert.ok(harness.front.hasCaughtUp("echo"));
      assert.deepEqual(await answers(), new Set([`200 round ${round}`]));
    }
    await harness.platform.remove("echo");
    await harness.front.caughtUp();
    for (const answer of await answers()) assert.match(answer, /^404 .*unknown_function/);
  });

  it("hold a deploy up for a moment only when one of them hangs, which goes by it when it is back", async () => {
    await start();
    await harness.serve((_, response) => response.end("old"));
    const [hanging] = harness.pids;
    process.kill(hanging!, "SIGSTOP");
    try {
      await harness.publish("echo", [await harness.instance((_, response) => response.end("new"))]);
      assert.ok(!harness.front.hasCaughtUp("echo"));
    } finally {
      process.kill(hanging!, "SIGCONT");
    }
    await eventually("it has caught up", () => harness.front.hasCaughtUp("echo"));
    const answers = await Promise.all(connect(4).map((client) => client.get("/fn/echo")));
    assert.deepEqual(new Set(answers), new Set(["200 new"]));
  });

  it("report the sum of their loads, by instance too, and none of one that was killed", async () => {
    await start();
    await harness.serve(hold, { concurrency: 100 });
    let broken = 0;
    for (const client of connect(24)) {
      void client.get("/fn/echo").then((answer) => {
        if (answer.startsWith("broken off")) broken++;
      });
    }
    const { id } = servingOf(harness.platform, "echo")!.instances[0]!;
    const isSum = (calls: number) =>
      load()?.inFlight === calls && load()?.byInstance?.().get(id)?.calls === calls;
    await eventually("all are counted", () => isSum(24));
    process.kill(harness.pids[0]!, "SIGKILL");
    await eventually("those of one are gone", () => broken > 0 && isSum(24 - broken));
    for (const response of held) response.end();
    await eventually("none is left", () => load()?.inFlight === 0);
  });

  it("count together, and go on counting from there when one was killed", async () => {
    await start();
    await harness.serve((_, response) => response.end("hi"));
    for (const client of connect(10)) await client.get("/fn/echo");
    await eventually("ten are counted", async () => (await harness.answered()) === 10);
    const [victim] = harness.pids;
    process.kill(victim!, "SIGKILL");
    await eventually("it is gone", () => !harness.pids.includes(victim!));
    assert.equal(await harness.answered(), 10);
    for (const client of connect(4)) await client.get("/fn/echo");
    await eventually("14 are counted", async () => (await harness.answered()) === 14);
    await eventually("both tell of their process", async () => {
      const text = await harness.metrics();
      return ["1", "2"].every((worker) => text.includes(`process_resident_memory_bytes{worker="${worker}"}`));
    });
  });

  it("carry WebSockets", async () => {
    await start();
    const server = http.createServer();
    server.on("upgrade", (_, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    await harness.publish("echo", [await harness.listen(server)]);
    const fields = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    const request = `GET /fn/echo HTTP/1.1\r\n${fields}\r\n${key}\r\n\r\nframes`;
    const answer = await raw(harness.port, request, (text) => text.endsWith("frames"));
    assert.match(answer, /^HTTP\/1.1 101 .*frames$/s);
  });

  it("cut off a client that does not end its header block", async () => {
    await start({ headersMs: 300 });
    const answer = await raw(harness.port, "GET /fn/echo HTTP/1.1\r\nHost: a\r\n");
    assert.match(answer, /^HTTP\/1.1 408 .*request_timeout/s);
  });

  it("let calls finish when they drain, and refuse new ones", async () => {
    await start();
    await harness.serve(hold);
    const calls = connect(4).map((client) => client.get("/fn/echo"));
    await eventually("the calls are there", () => held.length === 4);
    const drained = harness.front.drain({ drainMs: 10_000 });
    await eventually("new ones are refused", async () => {
      const response = await fetch(`${harness.url}/fn/echo`, { signal: AbortSignal.timeout(200) }).catch(
        () => undefined,
      );
      return response?.status === 503;
    });
    for (const response of held) response.end("finished");
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(["200 finished"]));
    await drained;
  });

  it("are asked for what is no call only where something answers that", async () => {
    await start({ other: (request, response) => response.end(`${request.method} ${request.url}`) });
    assert.equal(await (await fetch(`${harness.url}/func?a=b`)).text(), "GET /func?a=b");
    await harness.close();
    await start();
    assert.equal((await fetch(`${harness.url}/func`)).status, 404);
  });

  it("pass on every field as it was sent, with a body and without", async () => {
    await start({ other: (request, response) => response.end(JSON.stringify(request.rawHeaders)) });
    for (const [method, field] of [
      ["GET", "X-None: 1"],
      ["POST", "Content-Length: 0"],
      ["POST", "Transfer-Encoding: chunked"],
    ]) {
      const fields = `Host: a\r\nX-A: caf\xe9\r\nx-a: 2\r\n${field}\r\nConnection: close\r\n\r\n`;
      const body = field!.endsWith("chunked") ? "0\r\n\r\n" : "";
      const answer = await raw(harness.port, `${method} /x HTTP/1.1\r\n${fields}${body}`);
      const json = Buffer.from(answer.slice(answer.indexOf("\r\n\r\n[")), "latin1").toString();
      const arrived = JSON.parse(json) as string[];
      const sent = ["Host", "a", "X-A", "caf\xe9", "x-a", "2", ...field!.split(": ")];
      assert.deepEqual(arrived.slice(0, sent.length), sent);
    }
  });

  it("refuse the port to others, alone and with workers", async () => {
    await start();
    const { port } = harness;
    await assert.rejects(WorkersHarness.start({ port }), { code: "EADDRINUSE" });
    const other = net.createServer();
    other.listen(port, "127.0.0.1");
    const [error] = (await once(other, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "EADDRINUSE");
  });

  it("say why they do not start, and leave none behind", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" };
    await assert.rejects(WorkersHarness.start({ env }), /OTEL_EXPORTER_OTLP_ENDPOINT/);
    assert.deepEqual(processesWith(FOLDER), []);
    await start();
  });

  it("end with their front, and free its port", async () => {
    await start();
    const { pids } = harness;
    await harness.close();
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
    await assert.rejects(fetch(harness.url));
  });
});
