import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { eventually } from "../support/eventually.ts";
import { ClusterProgram } from "../support/platform/cluster-program.ts";
import { FakeApiServer } from "../support/platform/fake-api-server.ts";

const TOKEN = "a-token-of-the-installation";

interface Seen {
  readonly request: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe("the program of events", () => {
  let api: FakeApiServer;
  let program: ClusterProgram;
  let manager: Server;
  const seen: Seen[] = [];

  before(async () => {
    manager = createServer(async (request, response) => {
      const { method, url, headers } = request;
      seen.push({ request: `${method} ${url}`, headers, body: await text(request) });
      response.writeHead(200, { "x-from": "manager" }).end("[]\n");
    }).listen(0, "127.0.0.1");
    await once(manager, "listening");
    api = await FakeApiServer.start();
    // The cluster is away at first.
    await api.down();
    program = new ClusterProgram("events/main.ts", api, () => ({
      SKIFF_TOKEN: TOKEN,
      SKIFF_INTERNAL_TOKEN: TOKEN,
      SKIFF_INTERNAL_PORT: "0",
      SKIFF_PORT: "0",
      SKIFF_POD: "events-1",
      // Nothing listens there.
      SKIFF_STORE: "postgres://skiff:secret@127.0.0.1:1/skiff",
      SKIFF_MANAGER: `http://127.0.0.1:${(manager.address() as AddressInfo).port}`,
    }));
  });
  after(async () => {
    await program.close();
    await api.down();
    manager.close();
  });

  const port = () => program.port(/probes and metrics are on port (\d+)/);
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port()}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${program.port(/the events listen on port (\d+)/)}${path}`, init);

  it("is live but not ready before it has the snapshot", async () => {
    await eventually("it answers probes", () => port() !== undefined);
    assert.equal((await ask("/healthz")).status, 200);
    assert.deepEqual(await ask("/readyz"), { status: 503, text: "The events are starting.\n" });
    assert.equal((await ask("/other")).status, 404);
  });

  it("is ready once it has, also while the store is away, and leads", async () => {
    await api.up();
    await eventually("it is ready", async () => (await ask("/readyz")).status === 200);
    await eventually("it leads", () => program.output.includes("leading as events-1"));
    assert.match((await ask("/metrics")).text, /^process_resident_memory_bytes \d+$/m);
  });

  it("passes on what is the manager's, with the address of the client", async () => {
    const headers = { "x-forwarded-for": "192.0.2.7", authorization: "Bearer x" };
    const response = await send("/topic/orders?x=1", { method: "PUT", body: "{}", headers });
    assert.deepEqual(
      [response.status, response.headers.get("x-from"), await response.text()],
      [200, "manager", "[]\n"],
    );
    const [{ request, headers: got, body }] = seen.splice(0) as [Seen];
    assert.deepEqual([request, body, got.authorization], ["PUT /topic/orders?x=1", "{}", "Bearer x"]);
    assert.equal(got["x-forwarded-for"], "192.0.2.7, 127.0.0.1");
    for (const [method, path] of [
      ["GET", "/topic"],
      ["GET", "/flow"],
      ["PUT", "/flow/order"],
      ["GET", "/flow/order/run"],
      ["POST", "/flow/order/run/r1/cancel"],
    ] as const) {
      await (await send(path, { method })).text();
      assert.equal(seen.splice(0)[0]?.request, `${method} ${path}`);
    }
  });

  it("is not ready any more as soon as it is told to stop, and gives the lease back", async function () {
    this.timeout(60_000);
    program.signal("SIGTERM");
    await eventually("it is leaving", async () => (await ask("/readyz")).status === 503);
    assert.equal(await program.ended(), 0, program.output);
    const lease = api.read<{ metadata: { name: string }; spec: { holderIdentity: string } } & object>(
      "leases",
      "skiff-events",
    );
    assert.equal(lease?.spec.holderIdentity, "");
  });
});

describe("the program of events without what it needs", () => {
  it("ends and says which variable is missing", async function () {
    this.timeout(60_000);
    const api = await FakeApiServer.start();
    const env = { SKIFF_TOKEN: TOKEN, SKIFF_INTERNAL_TOKEN: TOKEN };
    const programs = [
      [{}, /SKIFF_TOKEN is missing/],
      [{ SKIFF_TOKEN: TOKEN }, /SKIFF_INTERNAL_TOKEN is missing/],
      [env, /SKIFF_STORE is missing/],
    ] as const;
    for (const [variables, expected] of programs) {
      const program = new ClusterProgram("events/main.ts", api, () => ({ ...variables }));
      assert.equal(await program.ended(), 1);
      assert.match(program.output, expected);
      await program.close();
    }
    await api.down();
  });
});
