import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import { FLOW_KIND } from "../../../../platform/flows/kinds.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import type { RunRecord } from "../../../../store/flows/runs.ts";
import { publish } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";
import { FakeRuns } from "./fake-runs.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const ORDER = "# Orders.\nsteps:\n  check: {fn: check-order}\n  charge: {fn: charge, needs: [check]}\n";
const OTHER = "steps:\n  check: {fn: check-order}\n";
const document: Any = openApi(LIMITS, { mode: "loopback" });

function assertSchema(name: string, body: unknown): void {
  const faults = schemaFaults(document.components.schemas[name], body, document);
  assert.deepEqual(faults, [], JSON.stringify(body));
}

describe("manager: flows", () => {
  let skiff: StartedManager;
  let runs: FakeRuns;
  beforeEach(async () => {
    runs = new FakeRuns();
    skiff = await startManager({ store: runs.asStore() });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const put = (text: string, query = "") =>
    app().put(`/flow/order${query}`).set("content-type", "application/yaml").send(text);

  it("are created, changed and left as they are, each text with a version", async () => {
    const created = await put(ORDER, "?message=First").expect(201);
    assert.equal(created.headers.location, "/flow/order");
    assert.deepEqual([created.body.created, created.body.unchanged, created.body.version], [true, false, 1]);
    const same = await put(ORDER).expect(200);
    assert.deepEqual([same.body.unchanged, same.body.version], [true, 1]);
    assert.equal(same.headers.etag, created.headers.etag);
    const other = await put(OTHER).expect(200);
    assert.deepEqual([other.body.unchanged, other.body.version], [false, 2]);
    for (const { body } of [created, same, other]) assertSchema("PutFlow", body);
    assert.deepEqual(
      runs.kept.map(({ text, by, message }) => [text, by, message]),
      [
        [ORDER, "local", "First"],
        [OTHER, "local", undefined],
      ],
    );
  });

  it("have their places in topics before the answer", async () => {
    const joined: object[] = [];
    const topics = { join: async (place: object) => void joined.push(place) };
    await skiff.stop();
    skiff = await startManager({ store: { ...runs.asStore(), topics } as unknown as ManagerStore });
    await put(`on: {topic: [paid, {topic: sent, from: earliest}]}\n${OTHER}`).expect(201);
    assert.deepEqual(
      joined.map((place) => ({ ...place, now: 0 })),
      [
        { topic: "paid", group: "flow/order", from: "resume", now: 0 },
        { topic: "sent", group: "flow/order", from: "earliest", now: 0 },
      ],
    );
  });

  it("are described with the next times and the lag of their triggers", async () => {
    const text = `on: {topic: [paid, sent], cron: {cron: "0 3 1 1 *", timeZone: UTC}}\n${OTHER}`;
    await put(text).expect(201);
    const year = new Date().getUTCFullYear() + 1;
    const bare = (await app().get("/flow/order").expect(200)).body;
    assertSchema("Flow", bare);
    assert.deepEqual(bare.triggers.topics[0], { name: "flow/order/0", topic: "paid" });
    assert.equal(bare.triggers.crons[0].next[0], `${year}-01-01T03:00:00.000Z`);
    await skiff.stop();
    const groups = [{ group: "flow/order", position: 3, lag: 4 }];
    const parts = {
      topics: { join: async () => {}, stats: async () => [{ topic: "sent", groups }] },
      calls: {
        get: async (call: string) => ({ answer: { status: call === "c" ? 200 : 202, headers: [] } }),
        totals: async () => [{ queue: "sub/flow/order/1", waiting: 1, dead: 2 }],
      },
      timers: { firings: async () => [{ at: 0, outcome: "fired", call: "c" }] },
    };
    skiff = await startManager({ store: { ...runs.asStore(), ...parts } as unknown as ManagerStore });
    await put(text).expect(201);
    const { body } = await app().get("/flow/order").expect(200);
    assertSchema("Flow", body);
    const none = { waiting: 0, running: 0, done: 0, dead: 0 };
    const { topics, crons } = body.triggers;
    assert.deepEqual(topics, [
      { name: "flow/order/0", topic: "paid", lag: null, ...none },
      { name: "flow/order/1", topic: "sent", lag: 4, ...none, waiting: 1, dead: 2 },
    ]);
    assert.deepEqual([crons[0].lastAt, crons[0].lastOutcome], ["1970-01-01T00:00:00.000Z", "skipped"]);
  });

  it("are kept as they were posted, in YAML or JSON", async () => {
    await put(ORDER).expect(201);
    const { text, headers } = await app().get("/flow/order/source").expect(200);
    assert.deepEqual([text, headers["content-type"]], [ORDER, "application/yaml"]);
    await app()
      .put("/flow/order")
      .send({ steps: { a: { fn: "f" } } })
      .expect(200);
    const json = await app().get("/flow/order/source").expect(200);
    assert.deepEqual(json.body, { steps: { a: { fn: "f" } } });
    assert.equal(json.headers["content-type"], "application/json");
  });

  it("are described with their definition, and what is not there", async () => {
    await put(ORDER).expect(201);
    runs.totals = [{ flow: "order", live: { running: 2 }, ended: { done: 7 } }];
    const { body, headers } = await app().get("/flow/order").expect(200);
    assertSchema("Flow", body);
    assert.deepEqual([body.version, body.runs.running, body.runs.done, body.runs.failed], [1, 2, 7, 0]);
    assert.deepEqual(body.definition.steps.charge.needs, ["check"]);
    assert.match(body.warnings[0], /^There is no function "check-order" yet/);
    assert.match(headers.etag!, /^"/);
    const list = await app().get("/flow").expect(200);
    assertSchema("FlowPage", list.body);
    assert.deepEqual([list.body.flows.length, list.body.flows[0].definition], [1, undefined]);
  });

  it("are warned of for a version of a function that is not there", async () => {
    await publish(skiff.platform, draftOf("odd", "// code"));
    const { body } = await put("steps: {a: {fn: odd@77}, b: {fn: odd@1}, c: {fn: odd@77}}").expect(201);
    assert.deepEqual(body.warnings, [
      'The function "odd" has no version 77 (kept: 1). Steps that call it fail with unknown_version.',
    ]);
  });

  it("name topics, of which those are told that nobody else knows", async () => {
    const steps = ["paid: {wait: {event: paid, by: event.id, equals: input.id}}", "sent: {publish: sent}"];
    const text = `on: {topic: orders}\nsteps: {${steps.join(", ")}}`;
    const warnings = [
      'Nobody has declared the topic "paid", and nobody subscribes to it. It takes events as long as the flow names it.',
      'Nobody has declared the topic "sent", and nobody subscribes to it. Its events are kept for a later subscription with "from: earliest".',
    ];
    assert.deepEqual((await put(text).expect(201)).body.warnings, warnings);
    assert.deepEqual((await app().get("/flow/order").expect(200)).body.warnings, warnings);
    const { body } = await app().get("/topic").expect(200);
    assert.deepEqual(
      body.topics.map(({ name }: Any) => name),
      ["orders", "paid", "sent"],
    );
    await app().get("/topic/paid").expect(200);
    await app().put("/topic/paid").send({}).expect(201);
    const spec = { topic: "sent", function: "mail" };
    await skiff.platform.declarations.put("Subscription", "mail", { spec });
    assert.deepEqual((await put(text).expect(200)).body.warnings, []);
    await app().get("/topic/orders").expect(200);
    await app().delete("/flow/order").expect(200);
    await app().get("/topic/orders").expect(404);
  });

  it("are listed in pages", async () => {
    for (const name of ["a", "b", "c"]) await app().put(`/flow/${name}`).send(OTHER).expect(201);
    const first = await app().get("/flow?limit=2").expect(200);
    const rest = await app().get(`/flow?limit=2&cursor=${first.body.next}`).expect(200);
    const names = [first, rest].flatMap(({ body }) => body.flows.map(({ name }: { name: string }) => name));
    assert.deepEqual([names, rest.body.next], [["a", "b", "c"], null]);
  });

  it("that are wrong are refused with the place of each fault", async () => {
    const { body } = await put("steps:\n  check: {fn: check-order, need: [a]}\n  b: {}\n").expect(400);
    assert.equal(body.code, "invalid_flow");
    assertSchema("Problem", body);
    assert.deepEqual(
      body.errors.map(({ file, line, lineText }: Any) => [file, line, lineText]),
      [
        ["order.yaml", 2, "  check: {fn: check-order, need: [a]}"],
        ["order.yaml", 3, "  b: {}"],
      ],
    );
    assert.match(body.detail, /^order\.yaml:2:28: .*need/);
    await app().get("/flow/order").expect(404);
    assert.deepEqual(runs.kept, []);
  });

  it("that were applied to the cluster may be wrong: they are shown so", async () => {
    await skiff.platform.declarations.put(FLOW_KIND, "wrong", { spec: { steps: { a: { fm: "f" } } } });
    await skiff.platform.declarations.put(FLOW_KIND, "right", { spec: { steps: { a: { fn: "f" } } } });
    const { body } = await app().get("/flow").expect(200);
    assertSchema("FlowPage", body);
    assert.deepEqual(
      body.flows.map(({ name, faults }: Any) => [name, faults?.length]),
      [
        ["right", undefined],
        ["wrong", 2],
      ],
    );
    assert.equal((await app().get("/flow/right/source")).text, "steps:\n  a:\n    fn: f\n");
  });

  it("are warned of when they begin themselves, also by way of others", async () => {
    const warningsOf = async (name: string, text: string) =>
      (await app().put(`/flow/${name}`).send(text)).body.warnings as readonly string[];
    const itself = await warningsOf("bomb", "steps: {a: {flow: bomb}}");
    assert.match(itself[0]!, /^Runs of the flow begin runs of itself: "bomb" → "bomb"\..*SKIFF_FLOW_DEPTH/);
    await warningsOf("b", "steps: {a: {flow: c}, d: {flow: bomb}}");
    const missing = await warningsOf("c", "steps: {a: {flow: none}}");
    assert.equal(missing.length, 1);
    const circle = await warningsOf("c", "steps: {a: {flow: b}}");
    assert.match(circle[0]!, /"c" → "b" → "c"/);
    assert.equal(circle.length, 1);
  });

  it("are only checked with dryRun", async () => {
    const { body } = await put(ORDER, "?dryRun").expect(200);
    assertSchema("PutFlow", body);
    assert.deepEqual([body.dryRun, body.created, body.warnings.length], [true, true, 2]);
    await app().get("/flow/order").expect(404);
    await put("steps: {}\nx: 1", "?dryRun").expect(400);
  });

  it("are changed under a precondition alone that holds", async () => {
    const { headers } = await put(ORDER).set("if-none-match", "*").expect(201);
    await put(OTHER).set("if-match", '"no"').expect(412);
    await put(OTHER).set("if-none-match", "*").expect(412);
    assert.equal(runs.kept.length, 1);
    await put(OTHER).set("if-match", headers.etag!).expect(200);
    await app().delete("/flow/order").set("if-match", headers.etag!).expect(412);
  });

  it("keep their versions, which can be compared and brought back", async () => {
    await put(ORDER).expect(201);
    await put(OTHER, "?message=Less").expect(200);
    const { body } = await app().get("/flow/order/versions").expect(200);
    assertSchema("FlowVersionList", body);
    assert.deepEqual(
      body.versions.map(({ version, current, message }: Any) => [version, current, message]),
      [
        [2, true, "Less"],
        [1, false, undefined],
      ],
    );
    const one = await app().get("/flow/order/versions/1").expect(200);
    assertSchema("FlowVersion", one.body);
    assert.equal(one.body.source, ORDER);
    const diff = await app().get("/flow/order/diff").expect(200);
    assert.match(
      diff.text,
      /^--- a\/order\.yaml\n\+\+\+ b\/order\.yaml\n[\s\S]*\n- {2}charge: \{fn: charge, needs: \[check\]\}\n/,
    );
    assert.equal((await app().get("/flow/order/diff?from=1&to=1").expect(200)).text, "");
    const back = await app().post("/flow/order/rollback").expect(200);
    assertSchema("RolledBackFlow", back.body);
    assert.deepEqual([back.body.version, back.body.from, back.body.to], [3, 2, 1]);
    assert.equal((await app().get("/flow/order/source")).text, ORDER);
    assert.equal((await app().get("/flow/order/versions/3")).body.current, true);
    for (const wrong of ["versions/9", "diff?from=9"]) {
      const { body: problem } = await app().get(`/flow/order/${wrong}`).expect(404);
      assert.equal(problem.code, "unknown_version");
      assert.match(problem.detail, /Versions kept: 3, 2, 1\.$/);
    }
    await app().post("/flow/order/rollback?to=9").expect(404);
  });

  it("that are removed leave live runs alone, unless these are cancelled", async () => {
    const run = { flow: "order", state: "running", acceptedAt: 1 } as RunRecord;
    runs.totals = [{ flow: "order", live: { running: 2 }, ended: { done: 1 } }];
    runs.records = [
      { ...run, id: "1" },
      { ...run, id: "2" },
      { ...run, id: "3", state: "done", endedAt: 2 },
    ];
    await put(ORDER).expect(201);
    const gone = await app().delete("/flow/order").expect(200);
    assert.deepEqual(gone.body, { success: true, live: 2 });
    assert.deepEqual([runs.signals, runs.kept], [[], []]);
    await put(ORDER).expect(201);
    const cancelled = await app().delete("/flow/order?runs=cancel").expect(200);
    for (const { body } of [gone, cancelled]) assertSchema("RemovedFlow", body);
    assert.equal(cancelled.body.cancelled, 2);
    assert.deepEqual(
      runs.signals.map(({ run: id, signal }) => [id, signal.kind]),
      [
        ["2", "cancel"],
        ["1", "cancel"],
      ],
    );
    await app().delete("/flow/order").expect(404);
    await put(ORDER).expect(201);
    await app().delete("/flow/order?runs=x").expect(400);
  });

  it("are not changed while the store is away, and are shown without their runs", async () => {
    await put(ORDER).expect(201);
    runs.isAway = true;
    await put(OTHER).expect(503);
    await app().delete("/flow/order").expect(503);
    const { body } = await app().get("/flow/order").expect(200);
    assertSchema("Flow", body);
    assert.deepEqual([body.noState, body.runs], ["The store is away.", undefined]);
    assert.equal((await app().get("/flow/order/source")).text, ORDER);
  });

  it("can be declared without a store, and have no versions then", async () => {
    const without = await startManager();
    try {
      const api = request(without.url);
      const { body } = await api.put("/flow/order").send(ORDER).expect(201);
      assertSchema("PutFlow", body);
      assert.equal(body.version, undefined);
      assertSchema("Flow", (await api.get("/flow/order").expect(200)).body);
      assert.equal((await api.get("/flow/order/versions").expect(503)).body.code, "store_unavailable");
      await api.delete("/flow/order").expect(200);
    } finally {
      await without.stop();
    }
  });

  it("are for keys that are for all functions", async () => {
    const TOKEN = "0123456789abcdef-token";
    const tokenHash = hashOf(TOKEN).toString("hex");
    const guarded = await startManager({ access: { mode: "token", tokenHash, whereabouts: "" } });
    try {
      const by = (key: string) => request.agent(guarded.url).set({ authorization: `Bearer ${key}` });
      const limited = { name: "limited", scopes: ["deploy", "read"], functions: ["a"] };
      const { key } = (await by(TOKEN).post("/key").send(limited).expect(201)).body;
      await by(key).put("/flow/order").send(ORDER).expect(403);
      await by(TOKEN).put("/flow/order").send(ORDER).expect(201);
      await by(key).get("/flow/order").expect(403);
    } finally {
      await guarded.stop();
    }
  });
});
