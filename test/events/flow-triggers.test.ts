import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ProgramPart } from "../../calling/program-part.ts";
import { createEvents } from "../../events/events.ts";
import { FLOW_KIND } from "../../platform/flows/kinds.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { announcing, storeChanges } from "../../store/changes.ts";
import { SqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { eventually } from "../support/eventually.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";

interface Got {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const STEPS = "steps: {hello: {fn: hello}}";

describe("the triggers of declared flows", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-triggers-"));
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const platform = new FakePlatform();
  const store = new SqliteStore({ file: join(folder, "history.db"), print });
  const got: Got[] = [];
  const intake = createServer(async (request, response) => {
    got.push({ url: request.url!, headers: request.headers, body: await text(request) });
    response.writeHead(202).end("{}");
  });
  let events: ProgramPart;
  let changes: ReturnType<typeof storeChanges>;
  const declare = (name: string, source: string) =>
    platform.declarations.put(FLOW_KIND, name, { spec: { source } });
  const publish = async (topic: string, type: string) => {
    const event = { topic, id: `${topic} ${type} ${Math.random()}`, source: "/test", type, attributes: {} };
    const data = { inline: Buffer.from('{"id":7}') };
    await announcing(store, changes).topics.publish([{ ...event, data, isDeduplicated: true }], Date.now());
  };
  const start = async () => {
    changes = storeChanges();
    events = createEvents({
      ...{ store: announcing(store, changes), changes, isShared: false, platform, print },
      ...{ keys: new KeyTable(), access: { mode: "open" }, limits: limitsFromEnv({}), env: {} },
      ...{ router: () => "http://127.0.0.1:1", callerKey: "sk_kinternals_x", now: Date.now },
      random: Math.random,
      flows: () => `http://127.0.0.1:${(intake.address() as AddressInfo).port}`,
    });
    await events.start();
  };

  before(async () => {
    intake.listen(0, "127.0.0.1");
    await once(intake, "listening");
    await declare("ship", `{on: {topic: [{topic: orders, filter: {exact: {type: made}}}, back]}, ${STEPS}}`);
    await declare("broken", "steps: 1");
    await start();
  });
  after(async () => {
    await events.drain({ drainMs: 1_000 });
    intake.close().closeAllConnections();
    await store.close();
    await platform.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => got.splice(0));

  it("begin a run for each event that they want", async () => {
    await publish("orders", "other");
    await publish("orders", "made");
    await publish("back", "sent");
    await eventually("two runs begin", () => got.length === 2);
    const [first] = got.toSorted((a, b) => (a.headers["ce-type"]! < b.headers["ce-type"]! ? -1 : 1));
    const { headers, url, body } = first!;
    assert.deepEqual([url, body], ["/flow/ship/run", '{"id":7}']);
    assert.deepEqual(
      ["ce-type", "skiff-topic", "skiff-subscription", "x-skiff-key"].map((name) => headers[name]),
      ["made", "orders", "flow/ship/0", "sk_kinternals_x"],
    );
    assert.match(String(headers["idempotency-key"]), /^[0-9a-f]{32}$/);
  });

  it("begin runs at the times of a flow, until it is removed", async () => {
    await declare("tick", `{on: {cron: {cron: "* * * * * *", overlap: allow, input: {a: 1}}}, ${STEPS}}`);
    await eventually("a run begins", () => got.some(({ url }) => url === "/flow/tick/run"));
    const { headers, body } = got.find(({ url }) => url === "/flow/tick/run")!;
    assert.deepEqual(JSON.parse(body), { a: 1 });
    assert.deepEqual([headers["skiff-schedule"], headers["skiff-overlap"]], ["flow/tick/0", "allow"]);
    assert.match(String(headers["skiff-scheduled-at"]), /^20\d\d-.*:\d\d\.000Z$/);
    await platform.declarations.remove(FLOW_KIND, "tick");
    await eventually("the timer is gone", async () => (await store.timers.get("flow/tick/0")) === undefined);
  });

  it("stay as they were while a text is not valid, and change with the next one", async () => {
    await declare("ship", "steps: 1");
    await publish("back", "kept");
    await eventually("a run begins", () => got.some(({ headers }) => headers["ce-type"] === "kept"));
    await declare("ship", `{on: {topic: other}, ${STEPS}}`);
    const groups = async (topic: string) =>
      (await store.topics.stats()).find((each) => each.topic === topic)?.groups.map(({ group }) => group) ??
      [];
    await eventually("the place in the topic is left", async () => (await groups("back")).length === 0);
    await eventually("there is one in the other", async () => (await groups("other")).includes("flow/ship"));
  });

  it("name the topics that steps wait for: they take events", async () => {
    const server = createServer(events.handler).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic/payments`;
    const post = async () => (await fetch(url, { method: "POST", body: "{}" })).status;
    assert.equal(await post(), 404);
    await declare("pay", "steps: {paid: {wait: {event: payments, by: event.data.id, equals: input.id}}}");
    await eventually("the topic takes events", async () => (await post()) === 202);
    await platform.declarations.remove(FLOW_KIND, "pay");
    await eventually("the topic is gone", async () => (await post()) === 404);
    server.close().closeAllConnections();
  });

  it("lose no event between two programs, and no place to a text that is not valid", async () => {
    await events.drain({ drainMs: 1_000 });
    await declare("ship", "steps: 1");
    await publish("other", "meanwhile");
    await start();
    await declare("ship", `{on: {topic: other}, ${STEPS}}`);
    await eventually("a run begins", () => got.some(({ headers }) => headers["ce-type"] === "meanwhile"));
  });
});
