import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import { Problem } from "../../../../platform/problems.ts";
import type { NewCall } from "../../../../store/call.ts";
import type { Enqueued, QueueTotals } from "../../../../store/calls.ts";
import type { NewEvent } from "../../../../store/event.ts";
import type { NewPlace, TopicStats } from "../../../../store/topics.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

/** Topics and counts of a store, with what the API asked for. */
class FakeStore {
  readonly joined: NewPlace[] = [];
  readonly removed: string[] = [];
  stats: TopicStats[] = [];
  totals: QueueTotals[] = [];
  isAway = false;
  readonly enqueued: NewCall[] = [];
  readonly published: NewEvent[] = [];
  outcome: Enqueued | undefined;

  asStore(): ManagerStore {
    const answer = async <T>(value: T): Promise<T> => {
      if (!this.isAway) return value;
      throw new Problem("store_unavailable", "The store is away.", { retryAfterS: 1 });
    };
    const timer = { name: "report", rule: "", anchor: 0, dueAt: Date.UTC(2026, 11, 1), delayMs: 0 };
    return {
      usage: {},
      audit: { append: async () => {} },
      topics: {
        stats: () => answer(this.stats),
        join: (place: NewPlace) => answer(this.joined.push(place)),
        publish: async (events: readonly NewEvent[]) => {
          this.published.push(...events);
          return await answer([{ position: 9, isNew: true }]);
        },
        remove: (topic: string) => answer(void this.removed.push(topic)),
      },
      calls: {
        totals: () => answer(this.totals),
        enqueue: async ([call]: readonly NewCall[]) => {
          this.enqueued.push(call!);
          return await answer([this.outcome ?? { id: call!.id, isNew: true }]);
        },
      },
      timers: {
        get: (name: string) => answer(name === timer.name ? timer : undefined),
        firings: () => answer([{ at: Date.UTC(2026, 10, 30), firedAt: 0, outcome: "fired" }]),
      },
      bodies: {},
    } as unknown as ManagerStore;
  }
}

describe("manager: topics, subscriptions and schedules", () => {
  let skiff: StartedManager;
  let store: FakeStore;
  beforeEach(async () => {
    store = new FakeStore();
    skiff = await startManager({ store: store.asStore() });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const ORDERS = { topic: "orders", function: "bill" };
  const put = (path: string, spec: object) => app().put(path).send(spec);
  const document: Any = openApi(LIMITS, { mode: "loopback" });
  const assertSchema = (name: string, body: unknown) =>
    assert.deepEqual(
      schemaFaults(document.components.schemas[name], body, document),
      [],
      JSON.stringify(body),
    );

  it("are created, replaced and left as they are", async () => {
    const created = await put("/topic/orders", { access: "public" }).expect(201);
    assert.equal(created.headers.location, "/topic/orders");
    assert.deepEqual([created.body.created, created.body.unchanged], [true, false]);
    const same = await put("/topic/orders", { access: "public" }).expect(200);
    assert.deepEqual([same.body.created, same.body.unchanged], [false, true]);
    assert.equal(same.headers.etag, created.headers.etag);
    const other = await put("/topic/orders", { keepFor: "1h" }).expect(200);
    assert.deepEqual([other.body.created, other.body.unchanged], [false, false]);
    assert.deepEqual(other.body.spec, { keepFor: "1h" });
    assert.notEqual(other.headers.etag, created.headers.etag);
    for (const { body } of [created, same, other]) assertSchema("Topic", body);
  });

  it("are stored with a warning if their function is not there", async () => {
    const { body } = await put("/subscription/s", ORDERS).expect(201);
    assert.match(body.warnings[0], /^There is no function "bill" yet\. Its events wait for it/);
    assertSchema("Subscription", body);
    const shown = await app().get("/subscription/s").expect(200);
    assert.deepEqual(shown.body.warnings, body.warnings);
    assertSchema("Subscription", shown.body);
    const schedule = await put("/schedule/s", { cron: "@daily", call: { function: "bill" } }).expect(201);
    assert.match(schedule.body.warnings[0], /^There is no function "bill" yet\./);
    const url = await put("/subscription/u", { topic: "orders", url: "https://a.example" }).expect(201);
    assert.deepEqual(url.body.warnings, []);
  });

  it("are stored with a warning if their flow is not there", async () => {
    const { body } = await put("/subscription/f", { topic: "orders", flow: "ship" }).expect(201);
    assert.deepEqual(body.warnings, [
      'There is no flow "ship" yet. Its events wait for it, until their retry.maxAge.',
    ]);
    const schedule = await put("/schedule/f", { cron: "@daily", run: { flow: "ship" } }).expect(201);
    assert.match(schedule.body.warnings[0], /^There is no flow "ship" yet\. Each of its calls waits/);
    assertSchema("Schedule", schedule.body);
  });

  it("are stored with a warning if nobody knows their topic", async () => {
    const spec = { cron: "@daily", event: { topic: "nowhere", type: "t" } };
    const { body } = await put("/schedule/e", spec).expect(201);
    assert.match(body.warnings[0], /^Nobody has declared the topic "nowhere", and nobody subscribes to it\./);
    await put("/topic/nowhere", {}).expect(201);
    assert.deepEqual((await put("/schedule/e", spec).expect(200)).body.warnings, []);
  });

  it("that are topics share no path of the gateway", async () => {
    await put("/topic/ping", { paths: ["/a", "/test"] }).expect(201);
    const { body } = await put("/topic/other", { paths: ["/b", "/test"] }).expect(400);
    assert.equal(body.code, "invalid_declaration");
    assert.match(body.detail, /^The topic "ping" has the path \/test/);
    await put("/topic/ping", { paths: ["/test"] }).expect(200);
    await put("/topic/other", { paths: ["/a"] }).expect(201);
  });

  it("are taken as YAML, by type or by what the text looks like", async () => {
    const yaml = "topic: orders\nfunction: bill\nfilter:\n  exact: {type: a}\nretry: {attempts: 2}\n";
    const spec = { ...ORDERS, filter: { exact: { type: "a" } }, retry: { attempts: 2 } };
    const types = ["application/yaml", "text/yaml", "text/plain", "application/x-www-form-urlencoded"];
    for (const [index, type] of types.entries()) {
      const { body } = await app().put(`/subscription/s${index}`).type(type).send(yaml).expect(201);
      assert.deepEqual(body.spec, spec, type);
    }
    const form = app().put("/topic/t").type("application/x-www-form-urlencoded").send('{"keepFor": "1h"}');
    assert.deepEqual((await form.expect(201)).body.spec, { keepFor: "1h" });
  });

  it("are refused with the fault and where it is", async () => {
    const cases: readonly (readonly [type: string, text: string, status: number, detail: RegExp])[] = [
      ["application/json", '{"topic": "orders"}', 400, /^A subscription delivers to one target/],
      ["application/json", "[]", 400, /^The spec is \[\]/],
      ["application/json", "topic: orders", 400, /^The body is not JSON/],
      ["application/yaml", "topic: [", 400, /^The body is not YAML: .+ in line \d+, column \d+\.$/],
      [
        "application/yaml",
        "cron: */5 * * * *",
        400,
        /column \d+\. Quote an expression that begins with \* or @/,
      ],
      ["application/yaml", "a: &a [x]\nb: [*a, *a]", 400, /alias of YAML/],
      ["application/yaml", "topic: a\n---\ntopic: b", 400, /several documents/],
      ["application/yaml", "", 400, /^The spec is null/],
      ["text/html", "topic: a", 415, /^text\/html is not accepted/],
      ["application/yaml", `topic: ${"x".repeat(300 * 1024)}`, 413, /over the limit of 256 KiB/],
    ];
    for (const [type, text, status, detail] of cases) {
      const { body } = await app().put("/subscription/s").type(type).send(text).expect(status);
      assert.match(body.detail, detail, text.slice(0, 50));
    }
    assert.equal((await put("/topic/Orders", {}).expect(400)).body.code, "invalid_name");
    await app().get("/subscription/s").expect(404);
    assert.deepEqual(store.joined, []);
  });

  it("are written under a precondition", async () => {
    const first = await put("/subscription/s", ORDERS).set("if-none-match", "*").expect(201);
    await put("/subscription/s", ORDERS).set("if-none-match", "*").expect(412);
    const paused = { ...ORDERS, paused: true };
    await put("/subscription/s", paused).set("if-match", '"0"').expect(412);
    const second = await put("/subscription/s", paused).set("if-match", first.headers.etag!).expect(200);
    await put("/subscription/s", ORDERS).set("if-match", first.headers.etag!).expect(412);
    await put("/subscription/none", ORDERS).set("if-match", "*").expect(412);
    await app().delete("/subscription/s").set("if-match", first.headers.etag!).expect(412);
    await app().delete("/subscription/s").set("if-match", second.headers.etag!).expect(200);
    assert.equal((await app().get("/subscription/s").expect(404)).body.code, "unknown_subscription");
    assert.equal((await app().delete("/subscription/s").expect(404)).body.code, "unknown_subscription");
  });

  it("show what the store has of them", async () => {
    await put("/topic/orders", {});
    await put("/subscription/billing", { ...ORDERS, group: "bills" });
    await put("/schedule/report", { cron: "0 3 * * *", call: { function: "report" } });
    const group = { group: "bills", position: 7, lag: 3 };
    store.stats = [
      { topic: "orders", published: 12, end: 10, events: 5, bytes: 400, oldestAt: 0, groups: [group] },
    ];
    const counts = { accepted: 7, waiting: 1, running: 2, done: 3, dead: 1, cancelled: 0, attempts: 9 };
    store.totals = [{ queue: "sub/billing", ...counts }];
    const topic = (await app().get("/topic/orders").expect(200)).body;
    assert.deepEqual(topic.state, {
      ...{ published: 12, end: 10, events: 5, bytes: 400, oldestAt: "1970-01-01T00:00:00.000Z" },
      ...{ groups: [group], subscriptions: ["billing"] },
    });
    const subscription = (await app().get("/subscription/billing").expect(200)).body;
    const { accepted: _, cancelled: __, ...shown } = counts;
    assert.deepEqual(subscription.state, { group: "bills", position: 7, lag: 3, paused: false, ...shown });
    const schedule = (await app().get("/schedule/report").expect(200)).body;
    assert.deepEqual(schedule.state, {
      ...{ paused: false, nextAt: "2026-12-01T00:00:00.000Z" },
      ...{ lastAt: "2026-11-30T00:00:00.000Z", lastOutcome: "fired" },
    });
    assertSchema("Topic", topic);
    assertSchema("Subscription", subscription);
    assertSchema("Schedule", schedule);
  });

  it("are described while the store is away, and say that it is", async () => {
    await put("/topic/orders", {});
    store.isAway = true;
    const { body } = await app().get("/topic/orders").expect(200);
    assert.deepEqual([body.state, body.noState], [undefined, "The store is away."]);
    assertSchema("Topic", body);
    const refused = await put("/subscription/s", ORDERS).expect(503);
    assert.equal(refused.body.code, "store_unavailable");
  });

  it("are listed page by page, topics also while only subscriptions name them", async () => {
    for (const name of ["a", "c", "e"]) await put(`/topic/${name}`, {});
    for (const name of ["b", "d", "f"]) await put(`/subscription/s-${name}`, { topic: name, function: "x" });
    const names: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await app().get(`/topic?limit=2${cursor}`).expect(200);
      assertSchema("TopicPage", body);
      names.push(...body.topics.map(({ name }: { name: string }) => name));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    assert.deepEqual(names, ["a", "b", "c", "d", "e", "f"]);
    const implied = (await app().get("/topic/b").expect(200)).body;
    assert.deepEqual(
      [implied.spec, implied.createdAt, implied.state.subscriptions],
      [{}, undefined, ["s-b"]],
    );
    assertSchema("Topic", implied);
    const { body } = await app().get("/subscription?limit=2").expect(200);
    assert.deepEqual(
      body.subscriptions.map(({ name }: { name: string }) => name),
      ["s-b", "s-d"],
    );
    assert.equal((await app().get("/topic/g").expect(404)).body.code, "unknown_topic");
  });

  it("join the group of a subscription before the answer", async () => {
    await put("/subscription/s", ORDERS).expect(201);
    await put("/subscription/t", { ...ORDERS, group: "g", from: "2026-11-29T00:00:00Z" }).expect(201);
    const [first, second] = store.joined;
    assert.deepEqual([first!.topic, first!.group, first!.from], ["orders", "s", "resume"]);
    assert.deepEqual([second!.group, second!.from], ["g", { time: Date.UTC(2026, 10, 29) }]);
  });

  it("remove the events of a topic unless a subscription names it", async () => {
    for (const name of ["a", "b"]) await put(`/topic/${name}`, {});
    await put("/subscription/s", { topic: "b", function: "x" });
    await app().delete("/topic/a").expect(200, { success: true });
    await app().delete("/topic/b").expect(200, { success: true });
    assert.match(
      (await app().delete("/topic/b").expect(404)).body.detail,
      /^There is no declared topic "b": /,
    );
    assert.deepEqual(store.removed, ["a"]);
    await app().get("/topic/b").expect(200);
  });

  it("pause and go on, whatever else changes meanwhile", async () => {
    await put("/subscription/s", ORDERS);
    const paused = (await app().post("/subscription/s/pause").expect(200)).body;
    assert.deepEqual(paused.spec, { ...ORDERS, paused: true });
    assertSchema("Subscription", paused);
    assert.equal((await app().get("/subscription/s")).body.state.paused, true);
    const { declarations } = skiff.platform;
    const get = declarations.get.bind(declarations);
    declarations.get = async (kind, name) => {
      const found = await get(kind, name);
      declarations.get = get;
      await declarations.put(kind, name, { spec: { ...found!.spec, concurrency: 1 } });
      return found;
    };
    const resumed = (await app().post("/subscription/s/resume").expect(200)).body;
    assert.deepEqual(resumed.spec, { ...ORDERS, concurrency: 1 });
    await put("/schedule/s", { cron: "@hourly", event: { topic: "a" } });
    assert.equal((await app().post("/schedule/s/pause").expect(200)).body.spec.paused, true);
    assert.equal((await app().post("/schedule/none/pause").expect(404)).body.code, "unknown_schedule");
  });

  it("run a schedule by hand, also while it is paused", async () => {
    await app().post("/func?name=report").send("one").expect(201);
    const call = { function: "report", path: "/day", body: { a: 1 }, retry: { attempts: 2 } };
    await put("/schedule/report", { cron: "@daily", call, paused: true }).expect(201);
    const { headers, body } = await app().post("/schedule/report/run").expect(202);
    assert.equal(headers.location, `/call/${body.call}`);
    const [stored] = store.enqueued;
    assert.deepEqual([stored!.id, stored!.queue, stored!.request.path], [body.call, "fn/report", "/day"]);
    assert.deepEqual([stored!.policy.attempts, stored!.by, stored!.origin.kind], [2, "local", "schedule"]);
    assert.ok("manual" in stored!.origin && stored!.origin.manual);
    await put("/schedule/tick", { cron: "@daily", event: { topic: "ticks", data: "x" } }).expect(201);
    const event = (await app().post("/schedule/tick/run").expect(202)).body;
    assert.deepEqual(event, { event: store.published[0]!.id, topic: "ticks", position: 9 });
    for (const answer of [body, event]) assertSchema("ScheduleRun", answer);
    store.outcome = { refused: "full" };
    assert.equal((await app().post("/schedule/report/run").expect(429)).body.code, "too_many_waiting");
    await put("/schedule/none", { cron: "@daily", call: { function: "none" } }).expect(201);
    assert.equal((await app().post("/schedule/none/run").expect(404)).body.code, "unknown_function");
    assert.equal((await app().post("/schedule/lost/run").expect(404)).body.code, "unknown_schedule");
  });

  it("that somebody applied to the cluster are shown with their faults", async () => {
    await skiff.platform.declarations.put("Subscription", "s", { spec: { topic: "orders" } });
    const { body } = await app().get("/subscription/s").expect(200);
    assert.deepEqual(body.state, undefined);
    assert.match(body.faults[0], /^A subscription delivers to one target/);
    assertSchema("Subscription", body);
  });
});

describe("manager: topics, subscriptions and schedules without a store", () => {
  it("can be declared, and say that the store is missing", async () => {
    const access = { mode: "token", tokenHash, whereabouts: "" } as const;
    const skiff = await startManager({ access });
    try {
      const app = request.agent(skiff.url).set({ authorization: `Bearer ${TOKEN}` });
      await app.put("/subscription/s").send({ topic: "orders", function: "bill" }).expect(201);
      const { body } = await app.get("/subscription/s").expect(200);
      assert.equal(body.noState, "Skiff runs without a store.");
      await app.put("/topic/t").send({}).expect(201);
      await app.delete("/topic/t").expect(200);
      const key = await app.post("/key").send({ name: "k", scopes: ["deploy", "read"], functions: ["bill"] });
      const limited = request.agent(skiff.url).set({ authorization: `Bearer ${key.body.key}` });
      for (const sent of [
        limited.get("/subscription/s"),
        limited.delete("/subscription/s"),
        limited.get("/topic"),
      ])
        assert.equal((await sent.expect(403)).body.code, "insufficient_scope");
    } finally {
      await skiff.stop();
    }
  });
});
