import assert from "node:assert/strict";
import http from "node:http";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { servingOf } from "../../support/platform/deploying.ts";
import { raw } from "../support/harness.ts";
import { Client, WorkersHarness, type WorkersHarnessOptions } from "./harness.ts";

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

  it("take a like number of connections; one that is killed loses its own calls alone, and comes back", async () => {
    await start();
    await harness.serve(hold);
    const calls = connect(10).map((client) => client.get("/fn/echo"));
    await eventually("all calls are there", () => held.length === 10);
    const [victim] = harness.front.pids;
    process.kill(victim!, "SIGKILL");
    await eventually("it comes back", () => {
      const { pids } = harness.front;
      return pids.length === 2 && !pids.includes(victim!);
    });
    for (const response of held) response.end("whole");
    const answers = await Promise.all(calls);
    assert.equal(answers.filter((answer) => answer === "200 whole").length, 5, answers.join());
    assert.match(
      harness.lines.join("\n"),
      /router process 1 ended by SIGKILL; the next one is started at once/,
    );
    // Everything is as before for both.
    const again = connect(10).map((client) => client.get("/fn/echo"));
    await eventually("all calls are there", () => held.length === 20);
    for (const response of held.slice(10)) response.end("again");
    assert.deepEqual(new Set(await Promise.all(again)), new Set(["200 again"]));
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
    const [hanging] = harness.front.pids;
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
    await harness.serve(hold, { concurrency: 10 });
    for (const client of connect(8)) void client.get("/fn/echo");
    const id = () => servingOf(harness.platform, "echo")!.instances[0]!.id;
    await eventually(
      "all are counted",
      () => load()?.inFlight === 8 && load()?.byInstance?.().get(id())?.calls === 8,
    );
    process.kill(harness.front.pids[0]!, "SIGKILL");
    await eventually(
      "half is gone",
      () => load()?.inFlight === 4 && load()?.byInstance?.().get(id())?.calls === 4,
    );
    for (const response of held) response.end();
    await eventually("none is left", () => load()?.inFlight === 0);
  });

  it("count together, and go on counting from there when one was killed", async () => {
    await start();
    await harness.serve((_, response) => response.end("hi"));
    for (const client of connect(10)) await client.get("/fn/echo");
    await eventually("ten are counted", async () => (await harness.answered()) === 10);
    const [victim] = harness.front.pids;
    process.kill(victim!, "SIGKILL");
    await eventually("it is gone", () => !harness.front.pids.includes(victim!));
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

  it("end with their front, and free its port", async () => {
    await start();
    const { pids } = harness.front;
    await harness.close();
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
    await assert.rejects(fetch(harness.url));
  });
});
