import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { type Answer, Harness, send, textOf, until } from "../support/harness.ts";

describe("the routes of the router", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  it("follow the platform's endpoints, so that 500 calls over 20 switches are all answered", async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    let answered = 0;
    let next = 0;
    const version = async (number: number) => {
      const server = http.createServer((_, response) => setImmediate(() => response.end(`v${number}`)));
      return { server, address: await harness.listen(server) };
    };
    let current = await version(0);
    await harness.publish("echo", [current.address], { concurrency: 4 });
    const agent = new http.Agent({ keepAlive: true });
    const caller = async () => {
      while (next < 500) {
        next++;
        const answer: Answer = await send(`${harness.url}/fn/echo`, { agent });
        assert.equal(answer.status, 200, answer.body);
        assert.match(answer.body, /^v\d+$/);
        answered++;
      }
      finish();
    };
    const callers = Array.from({ length: 8 }, caller);
    for (let i = 1; i <= 20; i++) {
      await until(() => answered >= i * 20, "calls go on");
      const old = current;
      current = await version(i);
      await harness.publish("echo", [current.address], { concurrency: 4 });
      // The router closes its connections to an instance that is not in the snapshot once their calls are done.
      await until(async () => (await connections(old.server)) === 0, "the old instance is let go");
      old.server.close();
    }
    await finished;
    await Promise.all(callers);
    agent.destroy();
    assert.equal(answered, 500);
    await harness.idle();
  });

  it("let calls under way finish on an instance that was replaced, and send new ones to its successor", async () => {
    let held: http.ServerResponse | undefined;
    await harness.serve((_, response) => {
      held = response;
      response.write("old ");
    });
    const first = http.get(`${harness.url}/fn/echo`, { agent: false });
    const [response] = (await once(first, "response")) as [http.IncomingMessage];
    await harness.publish("echo", [await harness.instance((_, response) => response.end("new"))]);
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "new");
    held!.end("end");
    assert.equal(await textOf(response), "old end");
    await harness.idle();
  });

  it("know how many instances are ready", async () => {
    const addresses = [1, 2].map((i) => harness.instance((_, response) => response.end(String(i))));
    await harness.publish("echo", await Promise.all(addresses));
    await send(`${harness.url}/fn/echo`);
    assert.equal(harness.stats().ready, 2);
    harness.platform.setInstances("echo", []);
    assert.equal(harness.stats().ready, 0);
  });

  it("keep functions apart that are called at the same time", async () => {
    for (const name of ["one", "two"]) {
      await harness.publish(name, [await harness.instance((_, response) => response.end(name))]);
    }
    const names = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "one" : "two"));
    const answers = await Promise.all(names.map((name) => send(`${harness.url}/fn/${name}`)));
    assert.deepEqual(
      answers.map(({ body }) => body),
      names,
    );
    assert.deepEqual([...harness.router.stats()].map(({ name }) => name).sort(), ["one", "two"]);
  });

  it("reach instances over TCP as well", async () => {
    const server = http.createServer((request, response) => response.end(request.headers.host));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    await harness.publish("echo", [{ host: "127.0.0.1", port }]);
    assert.equal((await send(`${harness.url}/fn/echo`, { headers: { host: "outside" } })).body, "outside");
    server.closeAllConnections();
    server.close();
  });

  it("come back with a function that is deployed again after it was removed", async () => {
    await harness.serve((_, response) => response.end("first"));
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "first");
    await harness.platform.remove("echo");
    assert.equal((await send(`${harness.url}/fn/echo`)).status, 404);
    await harness.serve((_, response) => response.end("second"));
    assert.equal((await send(`${harness.url}/fn/echo`)).body, "second");
  });

  it("have counters that are back at zero after a mixed run", async () => {
    await harness.serve(
      (request, response) => {
        const path = request.url!;
        if (path === "/break") request.socket.destroy();
        else if (path === "/slow") return;
        else if (path === "/stream") response.write("first");
        else response.end("ok");
        request.on("error", () => {}).resume();
      },
      { concurrency: 7, timeoutMs: 300 },
    );
    const calls = Array.from({ length: 200 }, async (_, i) => {
      const path = ["ok", "break", "slow", "stream", "ok"][i % 5];
      const request = http.request(`${harness.url}/fn/echo/${path}`, {
        agent: false,
        method: i % 2 ? "POST" : "GET",
      });
      const done = new Promise((resolve) => request.on("error", resolve).on("close", resolve));
      request.on("response", (response) => {
        response.on("error", () => {}).resume();
        if (path === "stream") request.destroy();
      });
      request.end(i % 2 ? "body" : undefined);
      await done;
    });
    await Promise.all(calls);
    await harness.idle();
    const { abandoned, inFlight, waiting } = harness.stats();
    assert.deepEqual([inFlight, waiting], [0, 0]);
    await until(
      () => harness.answered().reduce((a, b) => a + b) + harness.stats().abandoned === 200,
      "all counted",
    );
    const answered = harness.answered();
    assert.ok(answered[2]! > 0 && answered[5]! > 0, String(answered));
    assert.ok(abandoned <= 200);
  });
});

describe("a router that closes", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  it("refuses new calls, lets those under way finish, and only then resolves", async () => {
    let held: http.ServerResponse | undefined;
    await harness.serve((_, response) => {
      held = response;
    });
    const first = send(`${harness.url}/fn/echo`);
    await until(() => held !== undefined, "the call is under way");
    let closed = false;
    const closing = harness.router.close({ drainMs: 5_000 }).then(() => {
      closed = true;
    });
    const refused = await send(`${harness.url}/fn/echo`);
    assert.equal(refused.status, 503);
    assert.equal(JSON.parse(refused.body).code, "draining");
    assert.equal(refused.headers["retry-after"], "1");
    assert.equal(refused.headers.connection, "close");
    assert.equal(closed, false);
    held!.end("finished");
    assert.equal((await first).body, "finished");
    await closing;
  });

  it("ends calls that are still under way when the drain time is over, and those that wait", async () => {
    let held = 0;
    await harness.serve(() => held++, { concurrency: 1 });
    const calls = [send(`${harness.url}/fn/echo`), send(`${harness.url}/fn/echo`)];
    await until(() => held === 1 && harness.stats().waiting === 1, "one under way, one waiting");
    await harness.router.close({ drainMs: 20 });
    const codes = (await Promise.all(calls)).map(({ body }) => JSON.parse(body).code);
    assert.deepEqual(codes.sort(), ["draining", "draining"]);
  });
});

describe("a stream of events", () => {
  let harness: Harness;
  let streams: http.ServerResponse[] = [];
  beforeEach(async () => {
    streams = [];
    harness = await Harness.start();
    await harness.serve((request, response) => {
      response.writeHead(200, {
        "access-control-allow-headers": "content-type",
        "content-type": request.url === "/events" ? "text/event-stream" : "text/plain",
      });
      response.write("data: 1\n\n");
      streams.push(response);
    });
  });
  afterEach(() => harness.close());

  /** How a stream ends: `clean` or the code of the error. */
  async function endOf(path: string): Promise<{ ended: Promise<string> }> {
    const [response] = (await once(
      http.get(`${harness.url}/fn/echo${path}`, { agent: false }),
      "response",
    )) as [http.IncomingMessage];
    await once(response, "data");
    const ended = new Promise<string>((resolve) => {
      response.once("end", () => resolve("clean"));
      response.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    response.resume();
    return { ended };
  }

  it("ends cleanly when the router closes, which no other stream does", async () => {
    const events = await endOf("/events");
    const text = await endOf("/text");
    await harness.router.close({ drainMs: 20 });
    assert.deepEqual([await events.ended, await text.ended], ["clean", "ECONNRESET"]);
  });

  it("ends cleanly when its instance was replaced and is ended, but not when it fails", async () => {
    const failed = await endOf("/events");
    streams[0]!.destroy();
    assert.equal(await failed.ended, "ECONNRESET");
    const replaced = await endOf("/events");
    const text = await endOf("/text");
    await harness.serve((_, response) => response.end("new"));
    for (const stream of streams) stream.destroy();
    assert.deepEqual([await replaced.ended, await text.ended], ["clean", "ECONNRESET"]);
    await harness.idle();
  });
});

describe("a router that closes while an instance is leaving", () => {
  it("breaks its streams off and resolves", async () => {
    const harness = await Harness.start();
    // The test runner passes over rejections that nobody handles; they would end the program.
    const unhandled: unknown[] = [];
    const collect = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", collect);
    try {
      for (const word of ["one", "two", "three"]) {
        await harness.serve((_, response) => response.write(word));
        const stream = http.get(`${harness.url}/fn/echo`, { agent: false }).on("error", () => {});
        const [response] = (await once(stream, "response")) as [http.IncomingMessage];
        response.on("error", () => {}).resume();
      }
      await harness.publish("echo", [await harness.instance((_, response) => response.end("new"))]);
      await harness.router.close({ drainMs: 20 });
      await harness.idle();
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(unhandled, []);
    } finally {
      await harness.close();
      process.off("unhandledRejection", collect);
    }
  });
});

async function connections(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
