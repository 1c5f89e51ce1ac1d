import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { mock } from "node:test";
import { Problem } from "../../../platform/problems.ts";
import { servingOf } from "../../support/platform/deploying.ts";
import { type Answer, Harness, send, until } from "../support/harness.ts";

describe("a call that finds no free instance", () => {
  let harness: Harness;
  let held: http.ServerResponse[] = [];
  beforeEach(() => {
    held = [];
  });
  afterEach(async () => {
    mock.restoreAll();
    await harness.close();
  });

  /** An instance that answers when the test says so. */
  const hold: http.RequestListener = (_, response) => held.push(response);

  it("wakes the function once and is answered when it is ready", async () => {
    let starts = 0;
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    harness = await Harness.start({
      async start() {
        if (starts++ > 0) await ready;
        return harness.instance((_, response) => response.end("awake"));
      },
    });
    await harness.publish("echo", []);
    const calls = Array.from({ length: 20 }, () => send(`${harness.url}/fn/echo`));
    await harness.waiting(20);
    resolve();
    for (const answer of await Promise.all(calls)) assert.equal(answer.body, "awake");
    assert.equal(starts, 2);
    assert.equal(harness.stats().coldStarts, 1);
  });

  it("is answered with the problem that waking it ended in", async () => {
    let starts = 0;
    harness = await Harness.start({
      start() {
        if (starts++ === 0) return { unix: "/nonexistent/skiff.sock" };
        throw new Problem("no_capacity", "It crashes at its start.", { retryAfterS: 7 });
      },
    });
    await harness.publish("echo", []);
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["retry-after"], "7");
    assert.equal(JSON.parse(answer.body).detail, "It crashes at its start.");
    assert.ok(harness.lines.some((line) => line.includes("no_capacity")));
  });

  it("is answered with 500 and its cause is printed when waking fails in a way that was not expected", async () => {
    let starts = 0;
    harness = await Harness.start({
      start() {
        if (starts++ === 0) return { unix: "/nonexistent/skiff.sock" };
        throw new Error("the disk is full");
      },
    });
    await harness.publish("echo", []);
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(JSON.parse(answer.body).code, "internal_error");
    assert.doesNotMatch(answer.body, /disk/);
    assert.match(harness.lines.join("\n"), /the disk is full/);
  });

  it("waits in order of arrival", async () => {
    harness = await Harness.start();
    const order: string[] = [];
    await harness.serve(
      (request, response) => {
        order.push(request.url!);
        held.push(response);
      },
      { concurrency: 1 },
    );
    const calls: Promise<Answer>[] = [];
    for (let i = 0; i < 5; i++) {
      calls.push(send(`${harness.url}/fn/echo/${i}`));
      await until(() => held.length > 0, "the first call forwarded");
      await harness.waiting(i);
    }
    for (let i = 0; i < 5; i++) {
      await until(() => held.length > i, `call ${i} forwarded`);
      held[i]!.end();
    }
    await Promise.all(calls);
    assert.deepEqual(order, ["/0", "/1", "/2", "/3", "/4"]);
  });

  it("goes to the instance with the fewest calls, and to none over its concurrency", async () => {
    harness = await Harness.start();
    const counts = [0, 0];
    const instances = await Promise.all(
      [0, 1].map((i) =>
        harness.instance((_, response) => {
          counts[i]!++;
          held.push(response);
        }),
      ),
    );
    await harness.publish("echo", instances, { concurrency: 2 });
    const calls = Array.from({ length: 5 }, () => send(`${harness.url}/fn/echo`));
    await until(() => held.length === 4, "four calls forwarded");
    await harness.waiting(1);
    assert.deepEqual(counts, [2, 2]);
    held[0]!.end();
    await until(() => held.length === 5, "the fifth call forwarded");
    for (const response of held.slice(1)) response.end();
    await Promise.all(calls);
    await harness.idle();
  });

  it("is refused with 429 when too many wait already", async () => {
    harness = await Harness.start({ limits: { waitingCalls: 2 } });
    await harness.serve(hold, { concurrency: 1 });
    const calls = Array.from({ length: 3 }, () => send(`${harness.url}/fn/echo`));
    await harness.waiting(2);
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers["retry-after"], "1");
    assert.match(JSON.parse(answer.body).detail, /SKIFF_MAX_WAITING/);
    assert.equal(harness.stats().refused.too_many_waiting, 1);
    for (let i = 0; i < 3; i++) {
      await until(() => held.length > i, "a call forwarded");
      held[i]!.end();
    }
    await Promise.all(calls);
  });

  it("is refused with 429 at once when it would have to wait for longer than it may, as the queue moves", async () => {
    harness = await Harness.start({ limits: { instanceWaitMs: 10_000 } });
    await harness.serve(hold, { concurrency: 1 });
    const burst = Array.from({ length: 100 }, () => send(`${harness.url}/fn/echo`));
    await harness.waiting(99);
    // One of them is answered after a while, which is how fast the queue moves.
    const now = performance.now.bind(performance);
    mock.method(performance, "now", () => now() + 600);
    held[0]!.end();
    await harness.waiting(98);
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 429);
    assert.match(JSON.parse(answer.body).detail, /another would wait for about (\d+ s|\d+m)/);
    assert.ok(Number(answer.headers["retry-after"]) > 1);
    await harness.router.close({ drainMs: 1 });
    await Promise.all(burst);
  });

  it("does not hold up the calls of another function, however many wait", async () => {
    harness = await Harness.start({ limits: { waitingCalls: 300 } });
    await harness.serve(hold, { concurrency: 1 });
    await harness.publish("other", [await harness.instance((_, response) => response.end("other"))]);
    const calls = Array.from({ length: 301 }, () => send(`${harness.url}/fn/echo`));
    await harness.waiting(300);
    for (let i = 0; i < 20; i++) {
      assert.equal((await send(`${harness.url}/fn/echo`)).status, 429);
      assert.equal((await send(`${harness.url}/fn/other`)).body, "other");
    }
    assert.equal(harness.stats().waiting, 300);
    await harness.router.close({ drainMs: 1 });
    await Promise.all(calls);
  });

  it("is refused with 503 after the longest wait, which is named", async () => {
    harness = await Harness.start({ limits: { instanceWaitMs: 50 } });
    await harness.serve(hold, { concurrency: 1 });
    const first = send(`${harness.url}/fn/echo`);
    await until(() => held.length === 1, "the first call forwarded");
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 503);
    assert.match(JSON.parse(answer.body).detail, /50 ms \(SKIFF_INSTANCE_WAIT\)/);
    assert.equal(answer.headers["retry-after"], "1");
    held[0]!.end();
    await first;
    await harness.idle();
  });

  it("is refused with 504 when its own time ends first", async () => {
    harness = await Harness.start();
    await harness.serve(hold, { concurrency: 1, timeoutMs: 100 });
    const calls = await Promise.all([send(`${harness.url}/fn/echo`), send(`${harness.url}/fn/echo`)]);
    for (const { status, body } of calls) {
      assert.equal(status, 504);
      assert.match(JSON.parse(body).detail, /within 100 ms \(timeoutMs of the function\)/);
    }
    await harness.idle();
  });

  it("leaves the queue when its client goes", async () => {
    harness = await Harness.start();
    await harness.serve(hold, { concurrency: 1 });
    const first = send(`${harness.url}/fn/echo`);
    await until(() => held.length === 1, "the first call forwarded");
    const gone = http.get(`${harness.url}/fn/echo`, { agent: false }).on("error", () => {});
    await harness.waiting(1);
    gone.destroy();
    await harness.waiting(0);
    held[0]!.end();
    await first;
    await harness.idle();
    assert.equal(held.length, 1);
    assert.equal(harness.stats().abandoned, 1);
  });

  it("is refused with 404 when its function is removed, while calls under way finish", async () => {
    harness = await Harness.start();
    await harness.serve(hold, { concurrency: 1 });
    const first = send(`${harness.url}/fn/echo`);
    await until(() => held.length === 1, "the first call forwarded");
    const second = send(`${harness.url}/fn/echo`);
    await harness.waiting(1);
    await harness.platform.remove("echo");
    assert.equal((await second).status, 404);
    held[0]!.end("finished");
    assert.equal((await first).body, "finished");
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 404);
  });

  it("is tried again, on the same instance or another, when no connection could be made", async () => {
    harness = await Harness.start();
    const good = await harness.instance((_, response) => response.end("good"));
    await harness.publish("echo", [{ unix: "/nonexistent/a.sock" }, { unix: "/nonexistent/b.sock" }, good]);
    for (let i = 0; i < 10; i++) assert.equal((await send(`${harness.url}/fn/echo`)).body, "good");
    await harness.idle();
  });

  it("goes to the next snapshot's instance when those of the last one refuse connections", async () => {
    harness = await Harness.start();
    await harness.publish("echo", [{ unix: "/nonexistent/a.sock" }]);
    const call = send(`${harness.url}/fn/echo`);
    await until(() => harness.platform.loads.length > 0, "the call is placed");
    harness.platform.setInstances("echo", [await harness.instance((_, response) => response.end("new"))]);
    assert.equal((await call).body, "new");
  });

  it("is refused with 503 after its wait for an instance when every connection is refused", async () => {
    harness = await Harness.start({ limits: { instanceWaitMs: 300 } });
    const port = await closedPort();
    await harness.publish("echo", [{ host: "127.0.0.1", port }]);
    const startedMs = performance.now();
    const answer = await send(`${harness.url}/fn/echo`);
    assert.equal(answer.status, 503);
    assert.match(JSON.parse(answer.body).detail, /300 ms \(SKIFF_INSTANCE_WAIT\)/);
    assert.ok(performance.now() - startedMs > 250);
    await harness.idle();
  });

  it("waits for an instance that starts again at its address, and is not lost", async () => {
    harness = await Harness.start();
    const port = await closedPort();
    await harness.publish("echo", [{ host: "127.0.0.1", port }]);
    const calls = Array.from({ length: 200 }, () => send(`${harness.url}/fn/echo`));
    await harness.waiting(200);
    const server = http.createServer((_, response) => response.end("again"));
    const opened = once(server, "listening");
    server.listen(port, "127.0.0.1");
    await opened;
    try {
      for (const answer of await Promise.all(calls)) assert.equal(answer.body, "again");
      await harness.idle();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe("the load that the router reports", () => {
  it("says at once that calls wait, and zero at the end", async () => {
    const held: http.ServerResponse[] = [];
    const harness = await Harness.start();
    try {
      await harness.serve((_, response) => held.push(response), { concurrency: 2 });
      const { loads } = harness.platform;
      const calls = Array.from({ length: 50 }, () => send(`${harness.url}/fn/echo`));
      await until(() => loads.at(-1)?.waiting === 48, "48 reported as waiting");
      assert.partialDeepStrictEqual(loads.at(-1), { name: "echo", inFlight: 2, waiting: 48 });
      const { id } = servingOf(harness.platform, "echo")!.instances[0]!;
      assert.equal(loads.at(-1)?.byInstance?.().get(id)?.calls, 2);
      for (let i = 0; i < 50; i++) {
        await until(() => held.length > i, "a call forwarded");
        held[i]!.end();
      }
      await Promise.all(calls);
      await until(() => loads.at(-1)?.inFlight === 0, "zero reported");
    } finally {
      await harness.close();
    }
  });

  it("has the streams of instances that are not called any more, also of a function that was removed", async () => {
    const open: http.ServerResponse[] = [];
    const harness = await Harness.start();
    const begin: http.RequestListener = (request, response) => {
      if (request.url === "/quick") return response.end();
      open.push(response.writeHead(200));
      response.write("begun");
    };
    const counted = () => {
      const newest = new Map(harness.platform.loads.map((load) => [load.version, load]));
      return Object.fromEntries([...newest.values()].flatMap((load) => [...(load.byInstance?.() ?? [])]));
    };
    const stream = () => {
      const asked = http.get(`${harness.url}/fn/echo/stream`, { agent: false }).on("error", () => {});
      return new Promise<void>((resolve) => asked.once("response", (it) => it.once("data", () => resolve())));
    };
    try {
      await harness.serve(begin);
      const [first] = servingOf(harness.platform, "echo")!.instances;
      await stream();
      const one = { calls: 1, streams: 1 };
      await until(() => counted()[first!.id] !== undefined, "a stream reported");
      assert.deepEqual(counted(), { [first!.id]: one });

      await harness.serve(begin);
      const [second] = servingOf(harness.platform, "echo")!.instances;
      await stream();
      await until(() => counted()[second!.id] !== undefined, "the second stream reported");
      assert.deepEqual(counted(), { [first!.id]: one, [second!.id]: one });

      await harness.platform.remove("echo");
      assert.deepEqual(counted(), { [first!.id]: one, [second!.id]: one });
      await harness.serve(begin);
      assert.equal((await send(`${harness.url}/fn/echo/quick`)).status, 200);
      await until(() => harness.platform.loads.at(-1)?.inFlight === 0, "the quick call has ended");
      assert.deepEqual(counted(), { [first!.id]: one, [second!.id]: one });

      for (const response of open) response.end();
      await until(() => Object.keys(counted()).length === 0, "no stream is left");
    } finally {
      await harness.close();
    }
  });
});

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
