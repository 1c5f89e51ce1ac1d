import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

/** Remembers the events that it got, and says them at GET. `?fail` makes it fail at the first attempt of each event. */
const REMEMBERING = `
const seen = [];
export default async (request) => {
  if (request.method === "GET") return Response.json(seen);
  const data = await request.text();
  const { "ce-id": id, "ce-partitionkey": key, "skiff-attempt": attempt } = Object.fromEntries(request.headers);
  if (request.url.endsWith("?slow")) await new Promise((go) => setTimeout(go, Math.random() * 20));
  if (request.url.endsWith("?fail") && attempt === "1") return new Response("later", { status: 503 });
  console.log("got", id);
  seen.push({ id, key, attempt, data, topic: request.headers.get("skiff-topic") });
  return new Response(null, { status: 204 });
};`;

/** A multiple of 150. 10,050 take half a minute. */
const EVENTS = Number(process.env.SKIFF_TEST_EVENTS ?? 300);

const LONGEST_MS = 10_000 + 20 * EVENTS;

interface Seen {
  readonly id: string;
  readonly key?: string;
  readonly attempt: string;
  readonly data: string;
  readonly topic: string;
}

/** What a test does with a running Skiff. */
function client({ url }: StartedSkiff) {
  const send = async (method: string, path: string, body?: object) => {
    const init =
      body === undefined
        ? { method }
        : { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(url + path, init);
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response;
  };
  return {
    send,
    subscribe: (name: string, spec: object) => send("PUT", `/subscription/${name}`, spec),
    publish: (topic: string, events: readonly { id: string; key?: string; data?: string }[]) => {
      const batch = events.map(({ id, key, data = "" }) => ({
        ...{ specversion: "1.0", id, source: "/test", type: "test", datacontenttype: "text/plain", data },
        ...(key === undefined ? {} : { partitionkey: key }),
      }));
      const headers = { "content-type": "application/cloudevents-batch+json" };
      return fetch(`${url}/topic/${topic}`, { method: "POST", headers, body: JSON.stringify(batch) });
    },
    seen: async (name: string) => (await (await fetch(`${url}/fn/${name}`)).json()) as Seen[],
  };
}

async function gets(skiff: StartedSkiff, name: string, ids: readonly string[]): Promise<void> {
  const { seen } = client(skiff);
  const sorted = [...ids].sort().join();
  await eventually(
    `${name} gets ${ids.length} events`,
    async () => {
      const now = (await seen(name)).map(({ id }) => id);
      return now.sort().join() === sorted;
    },
    LONGEST_MS,
  );
}

function idsOf(count: number, prefix = "e"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe("subscriptions of functions", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    for (const name of ["one", "two", "three", "archive"]) {
      const { status } = await skiff.deploy(name, REMEMBERING, "max=1&concurrency=20");
      assert.equal(status, 201);
    }
  });
  after(() => skiff.close());

  it("get the events of a topic: each group all, and each event one of a group", async () => {
    const { subscribe, publish, seen } = client(skiff);
    for (const name of ["one", "two", "three"])
      await subscribe(`${name}-shared`, { topic: "shared", function: name, group: "workers" });
    await subscribe("archive-shared", { topic: "shared", function: "archive" });
    const ids = idsOf(EVENTS);
    for (let at = 0; at < ids.length; at += 50) {
      const response = await publish(
        "shared",
        ids.slice(at, at + 50).map((id) => ({ id, data: `data ${id}` })),
      );
      assert.equal(response.status, 202);
    }
    await gets(skiff, "archive", ids);
    const all = async () => (await Promise.all(["one", "two", "three"].map(seen))).flat();
    await eventually("each event is there", async () => (await all()).length >= ids.length, LONGEST_MS);
    const shared = await all();
    assert.deepEqual(shared.map(({ id }) => id).sort(), [...ids].sort(), "each event once");
    assert.ok(
      shared.every(
        ({ id, data, topic, attempt }) => data === `data ${id}` && topic === "shared" && attempt === "1",
      ),
    );
    for (const name of ["one", "two", "three"])
      assert.equal((await seen(name)).length, EVENTS / 3, `${name} has its turn`);
  });

  it("try an event again, and keep the order of a key while they do", async () => {
    const { subscribe, publish, seen } = client(skiff);
    assert.equal((await skiff.deploy("ordered", REMEMBERING, "max=1&concurrency=20")).status, 201);
    const retry = { attempts: 3, backoff: "5ms" };
    await subscribe("ordered", {
      topic: "ordered",
      function: "ordered",
      path: "/?fail",
      order: "key",
      retry,
    });
    const events = idsOf(40).map((id, index) => ({ id, key: `k${index % 4}` }));
    await publish("ordered", events);
    await gets(skiff, "ordered", idsOf(40));
    const got = await seen("ordered");
    assert.ok(got.every(({ attempt }) => attempt === "2"));
    for (const key of ["k0", "k1", "k2", "k3"]) {
      const of = (list: readonly { id: string; key?: string }[]) =>
        list.filter((each) => each.key === key).map(({ id }) => id);
      assert.deepEqual(of(got), of(events), key);
    }
  });

  it("begin where they are asked to, pause and repeat", async () => {
    const { subscribe, publish, send, seen } = client(skiff);
    for (const name of ["late", "early"])
      assert.equal((await skiff.deploy(name, REMEMBERING, "max=1")).status, 201);
    await send("PUT", "/topic/started", {});
    await publish("started", [{ id: "before" }]);
    await subscribe("late", { topic: "started", function: "late" });
    await subscribe("early", { topic: "started", function: "early", from: "earliest" });
    await publish("started", [{ id: "after" }]);
    await gets(skiff, "early", ["before", "after"]);
    await gets(skiff, "late", ["after"]);
    await send("POST", "/subscription/late/pause");
    await publish("started", [{ id: "paused" }]);
    await gets(skiff, "early", ["before", "after", "paused"]);
    assert.equal((await seen("late")).length, 1);
    await send("POST", "/subscription/late/resume");
    await gets(skiff, "late", ["after", "paused"]);
    await send("POST", "/subscription/late/replay?from=earliest");
    await gets(skiff, "late", ["after", "paused", "before", "after", "paused"]);
  });

  // https://github.com/knative/eventing/issues/6984
  it("lose nothing between their removal and a new one of the same name", async () => {
    const { subscribe, publish, send } = client(skiff);
    assert.equal((await skiff.deploy("again", REMEMBERING, "max=1")).status, 201);
    await send("PUT", "/topic/again", {});
    await subscribe("again", { topic: "again", function: "again" });
    for (let round = 0; round < 3; round++) {
      await publish("again", [{ id: `with${round}` }]);
      await send("DELETE", "/subscription/again");
      await publish("again", [{ id: `without${round}` }]);
      await subscribe("again", { topic: "again", function: "again" });
    }
    await gets(
      skiff,
      "again",
      [0, 1, 2].flatMap((round) => [`with${round}`, `without${round}`]),
    );
  });

  it("leave what waits for them to the rest of their group when they are removed", async () => {
    const { subscribe, publish, send } = client(skiff);
    assert.equal((await skiff.deploy("heir", REMEMBERING, "max=1")).status, 201);
    const spec = { topic: "left", function: "heir", group: "g" };
    await subscribe("gone", { ...spec, path: "/?fail", retry: { backoff: "5m" } });
    await publish(
      "left",
      idsOf(4).map((id) => ({ id })),
    );
    const list = async () => {
      const { calls } = (await (await send("GET", "/call?subscription=gone")).json()) as {
        calls: { attempts: unknown[]; retry: { attempts: number } }[];
      };
      return calls;
    };
    await eventually("each has failed once", async () => {
      const calls = await list();
      return calls.length === 4 && calls.every(({ attempts }) => attempts.length === 1);
    });
    assert.equal((await list())[0]!.retry.attempts, 12, "the default of deliveries");
    await subscribe("heir", spec);
    await send("DELETE", "/subscription/gone");
    await gets(skiff, "heir", idsOf(4));
  });

  it("leave dead deliveries, which can be retried", async () => {
    const { subscribe, publish, send, seen } = client(skiff);
    assert.equal((await skiff.deploy("dying", REMEMBERING, "max=1")).status, 201);
    const spec = { topic: "dying", function: "dying", path: "/?fail" };
    await subscribe("dying", { ...spec, retry: { attempts: 1 } });
    await publish("dying", [{ id: "d" }]);
    const dead = async () => {
      const response = await send("GET", "/call?subscription=dying&state=dead");
      return ((await response.json()) as { calls: { id: string }[] }).calls;
    };
    await eventually("the delivery is dead", async () => (await dead()).length === 1);
    await send("POST", `/call/${(await dead())[0]!.id}/retry`);
    await gets(skiff, "dying", ["d"]);
    assert.equal((await seen("dying"))[0]!.attempt, "2");
  });
});

describe("replies of functions", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_CALLBACK_HOSTS: "127.0.0.1" } });
    const pong = `export default async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/test/bad") return new Response("bad", { status: 418, headers: { "x-bad": "1" } });
      return new Response(request.method + " " + pathname + search + " " + await request.text());
    };`;
    assert.equal((await skiff.deploy("pong", pong)).status, 201);
    await client(skiff).send("PUT", "/topic/ping", { paths: ["/test"], access: "public" });
    await client(skiff).subscribe("pong", { topic: "ping", function: "pong" });
  });
  after(() => skiff.close());

  it("reach whoever calls the topic", async () => {
    const response = await fetch(`${skiff.url}/topic/ping/call`, { method: "POST", body: "x" });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "POST / x");
  });

  it("reach the client of the gateway with their status and headers", async () => {
    const response = await fetch(`${skiff.url}/gateway/test/a?b=1`, { method: "PUT", body: "x" });
    assert.equal(await response.text(), "PUT /test/a?b=1 x");
    const bad = await fetch(`${skiff.url}/gateway/test/bad`);
    assert.equal(bad.status, 418);
    assert.equal(bad.headers.get("x-bad"), "1");
    assert.equal(await bad.text(), "bad");
  });

  it("may be large, as what they reply to", async () => {
    const body = "x".repeat(200_000);
    const response = await fetch(`${skiff.url}/gateway/test/large`, { method: "POST", body });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), `POST /test/large ${body}`);
  });

  it("may come from a URL", async () => {
    const got: string[] = [];
    const receiver = createServer((request, response) => {
      got.push(
        `${request.method} ${request.url} ${request.headers["ce-id"]} ${request.headers["x-skiff-key"]}`,
      );
      response.end("thanks");
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address() as AddressInfo;
    await client(skiff).subscribe("hook", { topic: "hooked", url: `http://127.0.0.1:${port}/in?x=1` });
    const response = await fetch(`${skiff.url}/topic/hooked/call`, {
      method: "POST",
      headers: { "ce-id": "1" },
    });
    assert.equal(await response.text(), "thanks");
    assert.deepEqual(got, ["POST /in?x=1 1 undefined"], "and no key of Skiff");
    const metrics = await (await fetch(`${skiff.url}/metrics`)).text();
    assert.match(metrics, /^skiff_topic_lag\{topic="hooked",group="hook"\} 0$/m);
    receiver.close();
  });

  it("become events of another topic, in the trace of the first one", async () => {
    const { subscribe, send, seen } = client(skiff);
    const pack = `export default (request) => new Response("packed", { headers: {
      "ce-specversion": "1.0", "ce-id": "p-" + request.headers.get("ce-id"), "ce-type": "packed" } });`;
    assert.equal((await skiff.deploy("pack", pack)).status, 201);
    assert.equal((await skiff.deploy("ship", REMEMBERING, "max=1")).status, 201);
    await subscribe("ship", { topic: "packed", function: "ship" });
    await subscribe("pack", { topic: "to-pack", function: "pack", replyTo: "packed" });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = { "ce-id": "1", traceparent };
    await fetch(`${skiff.url}/topic/to-pack`, { method: "POST", headers });
    await gets(skiff, "ship", ["p-1"]);
    assert.equal((await seen("ship"))[0]!.data, "packed");
    const events = (await (await send("GET", "/topic/packed/events")).text()).trim().split("\n");
    assert.equal(events.length, 1);
    assert.match(events[0]!, /0af7651916cd43dd8448eb211c80319c/);
  });
});

describe("events over a restart", () => {
  it("are delivered afterwards, also those that had been delivered before", async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-topics-"));
    try {
      const first = await startedSkiff({ dataFolder });
      assert.equal((await first.deploy("slow", REMEMBERING, "max=1&concurrency=5")).status, 201);
      await client(first).subscribe("slow", { topic: "t", function: "slow", path: "/?slow" });
      const ids = idsOf(100);
      const sent = await client(first).publish(
        "t",
        ids.map((id) => ({ id })),
      );
      assert.equal(sent.status, 202);
      await eventually("some are delivered", async () => (await client(first).seen("slow")).length > 10);
      await first.close();
      const second = await startedSkiff({ dataFolder });
      // What an instance remembered is gone with it, its log is not.
      const got = async () => {
        const log = await (await client(second).send("GET", "/func/slow/logs?tail=1000&search=got")).text();
        return [...log.matchAll(/got (e\d+)$/gm)].map(([, id]) => id!);
      };
      await eventually("all are delivered", async () => new Set(await got()).size === ids.length);
      await second.close();
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
