import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { ProgramPart } from "../../../calling/program-part.ts";
import { createEvents } from "../../../events/events.ts";
import { SUBSCRIPTION_KIND, TOPIC_KIND } from "../../../platform/events/kinds.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { EventStore } from "../../../store/store.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

interface Got {
  readonly id: string;
  readonly key: string;
  readonly subscription: string;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("topics of two programs on one PostgreSQL", function () {
  this.timeout(60_000);
  const harness = new PostgresHarness();
  const platform = new FakePlatform();
  const got: Got[] = [];
  const running: ProgramPart[] = [];
  const urls: string[] = [];
  const router = createServer(async (request, response) => {
    const body = await text(request);
    const header = (name: string) => String(request.headers[name]);
    got.push({
      id: header("ce-id"),
      key: header("ce-partitionkey"),
      subscription: header("skiff-subscription"),
    });
    response.end(header("skiff-topic") === "ping" ? `pong ${body}` : undefined);
  });
  const servers: Server[] = [router];

  before(async () => {
    const routerUrl = await listening(router);
    const first = await harness.open();
    for (const store of [first, harness.openAt(harness.urlOf(first))]) {
      const changes = storeChanges();
      const events = createEvents({
        ...{ store: announcing(store as EventStore, changes), changes, isShared: true, platform },
        ...{ keys: new KeyTable(), access: { mode: "open" }, limits: limitsFromEnv({}), env: {} },
        ...{ router: () => routerUrl, callerKey: "", print: () => {}, now: Date.now, random: Math.random },
      });
      await events.start();
      running.push(events);
      const server = createServer(events.handler);
      servers.push(server);
      urls.push(await listening(server));
    }
  });
  after(async () => {
    await Promise.all(running.map((events) => events.drain({ drainMs: 1_000 })));
    for (const server of servers) server.close().closeAllConnections();
    await harness.dispose();
    await platform.close();
  });

  const publish = (program: number, topic: string, events: readonly { id: string; key: string }[]) => {
    const batch = events.map(({ id, key }) => ({
      ...{ specversion: "1.0", id, source: "/test", type: "test", partitionkey: key },
    }));
    const headers = { "content-type": "application/cloudevents-batch+json" };
    return fetch(`${urls[program]}/topic/${topic}`, { method: "POST", headers, body: JSON.stringify(batch) });
  };

  it("bring each event to each group once, and those of a key in their order", async () => {
    for (const name of ["a", "b"]) {
      const spec = { topic: "orders", function: name, group: "workers", order: "key" };
      await platform.declarations.put(SUBSCRIPTION_KIND, name, { spec });
    }
    await platform.declarations.put(SUBSCRIPTION_KIND, "all", { spec: { topic: "orders", function: "all" } });
    const events = Array.from({ length: 200 }, (_, index) => ({ id: `e${index}`, key: `k${index % 10}` }));
    for (let at = 0; at < events.length; at += 10) {
      const response = await publish((at / 10) % 2, "orders", events.slice(at, at + 10));
      assert.equal(response.status, 202, await response.text());
    }
    await eventually("all are delivered", () => got.length >= 2 * events.length, 30_000);
    const of = (group: readonly string[]) => got.filter(({ subscription }) => group.includes(subscription));
    const expected = events.map(({ id }) => id).sort();
    for (const group of [["a", "b"], ["all"]])
      assert.deepEqual(
        of(group)
          .map(({ id }) => id)
          .sort(),
        expected,
      );
    for (let key = 0; key < 10; key++) {
      const inOrder = (list: readonly { id: string; key: string }[]) =>
        list.filter((each) => each.key === `k${key}`).map(({ id }) => id);
      assert.deepEqual(inOrder(of(["a", "b"])), inOrder(events));
    }
  });

  it("hand replies to whoever waits, whichever program makes the delivery", async () => {
    await platform.declarations.put(TOPIC_KIND, "ping", { spec: { paths: ["/ping"] } });
    await platform.declarations.put(SUBSCRIPTION_KIND, "pong", { spec: { topic: "ping", function: "pong" } });
    const asked = Array.from({ length: 40 }, async (_, index) => {
      const path = index % 4 < 2 ? "/topic/ping/call" : "/gateway/ping";
      const response = await fetch(urls[index % 2] + path, { method: "POST", body: String(index) });
      assert.equal(await response.text(), `pong ${index}`);
    });
    await Promise.all(asked);
  });
});
