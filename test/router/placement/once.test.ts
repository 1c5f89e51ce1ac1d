import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { Harness, send, textOf, until } from "../support/harness.ts";

/** How an instance answers the reservation of its place. */
type Reserving = "granted" | "refused" | "broken";

/** An instance with one call in its life that records what it gets. */
class OnceInstance {
  readonly server: http.Server;
  /** Reservations, calls and notices of their end, in order of arrival. */
  readonly seen: string[] = [];
  connections = 0;
  /** Breaks the connection of its event stream. */
  crash: () => void = () => {};
  readonly #reserving: Reserving;

  constructor(reserving: Reserving) {
    this.#reserving = reserving;
    this.server = http.createServer((request, response) => this.#answer(request, response));
    this.server.on("connection", () => this.connections++);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { "x-skiff-place": place, "x-skiff-gone": gone, connection } = request.headers;
    if (place !== undefined) {
      this.seen.push("place");
      if (this.#reserving === "broken") request.socket.destroy();
      else if (this.#reserving === "refused") response.writeHead(503, { "x-skiff-busy": "1" }).end();
      else response.writeHead(204, { "x-skiff-place": place }).end();
    } else if (gone !== undefined) {
      this.seen.push("gone");
      response.writeHead(204).end();
    } else {
      this.seen.push(`${request.url} ${connection}`);
      const { length } = await textOf(request);
      if (request.url === "/events") {
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
        this.crash = () => request.socket.destroy();
        return;
      }
      if (request.url !== "/hang") response.end(`${length} bytes`);
    }
  }
}

describe("instances with one call in their life behind the router", () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ limits: { instanceWaitMs: 500 } });
  });
  after(() => harness.close());

  let count = 0;
  const serve = async (...reserving: Reserving[]) => {
    const instances = reserving.map((each) => new OnceInstance(each));
    const addresses = await Promise.all(
      instances.map(({ server }) => harness.listen(server, { answersProbes: false })),
    );
    const name = `once${++count}`;
    await harness.publish(name, addresses, { isolation: "call", pool: reserving.length });
    return { instances, name, call: (options = {}) => send(`${harness.url}/fn/${name}/x`, options) };
  };

  it("get one call each over a connection that is closed then, after its place was reserved", async () => {
    const { instances, call } = await serve("granted", "granted");
    assert.equal((await call()).body, "0 bytes");
    assert.equal((await call({ method: "POST", body: "abc" })).body, "3 bytes");
    for (const { seen, connections } of instances) {
      assert.deepEqual(seen, ["place", "/x close"]);
      assert.equal(connections, 1);
    }
    const { status, body } = await call();
    assert.deepEqual([status, JSON.parse(body).code], [503, "no_capacity"]);
  });

  for (const reserving of ["refused", "broken"] as const) {
    it(`are left out once the reservation was ${reserving}, and the call goes elsewhere`, async () => {
      const { instances, call } = await serve(reserving, reserving, "granted");
      const body = "x".repeat(200_000);
      const headers = { "transfer-encoding": "chunked" };
      const answer = await call({ method: "POST", body, headers });
      assert.deepEqual([answer.status, answer.body], [200, "200000 bytes"]);
      const all = instances.flatMap(({ seen }) => seen);
      assert.deepEqual(
        all.filter((each) => each !== "place"),
        ["/x close"],
      );
      for (const { seen } of instances) assert.ok(seen.filter((each) => each === "place").length <= 1);
    });
  }

  it("break an event stream off when they crash, although the platform lists them no longer", async () => {
    const { instances, name } = await serve("granted");
    const [response] = (await once(http.get(`${harness.url}/fn/${name}/events`), "response")) as [
      http.IncomingMessage,
    ];
    await once(response, "data");
    harness.platform.setInstances(name, []);
    const broken = once(response, "error");
    instances[0]!.crash();
    assert.match(String((await broken)[0]), /aborted/);
  });

  it("get a call that waited as soon as there is one", async () => {
    const { call, name } = await serve();
    const waiting = call();
    await harness.waiting(1);
    const instance = new OnceInstance("granted");
    const address = await harness.listen(instance.server, { answersProbes: false });
    harness.platform.setInstances(name, [address]);
    assert.equal((await waiting).body, "0 bytes");
  });

  it("are notified when the client of their call leaves", async () => {
    const { instances, name } = await serve("granted");
    const leaving = http.get(`${harness.url}/fn/${name}/hang`);
    leaving.on("error", () => {});
    const [{ seen } = assert.fail("no instance")] = instances;
    await until(() => seen.includes("/hang close"), "the call has arrived");
    leaving.destroy();
    await until(() => seen.includes("gone"), "the notice has arrived");
    assert.deepEqual(seen, ["place", "/hang close", "gone"]);
  });
});
