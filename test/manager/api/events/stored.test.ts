import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { openApi } from "../../../../manager/openapi/openapi.ts";
import type { NewEvent } from "../../../../store/event.ts";
import { SqliteStore } from "../../../../store/sqlite/sqlite-store.ts";
import { schemaFaults } from "../../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../../started-manager.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

describe("manager: events in the store of one machine", () => {
  let folder: string;
  let store: SqliteStore;
  let skiff: StartedManager;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-events-"));
    store = new SqliteStore({ file: join(folder, "history.db"), print: () => {} });
    const { usage, audit, calls, topics, timers, bodies } = store;
    skiff = await startManager({ store: { usage, audit, calls, topics, timers, bodies } });
  });
  afterEach(async () => {
    await skiff.stop();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const app = () => request(skiff.url);
  const document: Any = openApi(LIMITS, { mode: "loopback" });
  const get = async (path: string, schema: string) => {
    const { body } = await app().get(path).expect(200);
    assert.deepEqual(
      schemaFaults(document.components.schemas[schema], body, document),
      [],
      JSON.stringify(body),
    );
    return body;
  };
  const publish = async (topic: string, count: number) => {
    const base = { topic, source: "/s", type: "t", attributes: {}, isDeduplicated: false };
    const events = Array.from({ length: count }, (_, index): NewEvent => {
      return { ...base, id: `e${index}`, data: { inline: Buffer.from(String(index)) } };
    });
    await store.topics.publish(events, Date.now());
  };

  it("are read, counted as lag, repeated by a replay and removed with their topic", async () => {
    await app().put("/topic/orders").send({}).expect(201);
    await publish("orders", 2);
    await app().put("/subscription/s").send({ topic: "orders", function: "f" }).expect(201);
    await publish("orders", 3);
    const { state } = await get("/topic/orders", "Topic");
    assert.deepEqual([state.published, state.events, state.subscriptions], [5, 5, ["s"]]);
    assert.equal((await get("/subscription/s", "Subscription")).state.lag, 3);
    const { body } = await app().post("/subscription/s/replay?from=earliest").expect(200);
    assert.equal(body.lag, 5);
    assert.equal((await get("/subscription/s", "Subscription")).state.lag, 5);
    const { text } = await app().get("/topic/orders/events?from=4").buffer().expect(200);
    assert.deepEqual(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).event.data),
      [1, 2],
    );
    await app().delete("/subscription/s").expect(200);
    await app().delete("/topic/orders").expect(200);
    await app().put("/topic/orders").send({}).expect(201);
    assert.equal((await get("/topic/orders", "Topic")).state.events, 0);
  });

  it("come from a schedule that is run by hand", async () => {
    await app().put("/topic/ticks").send({}).expect(201);
    const event = { topic: "ticks", data: { a: 1 } };
    await app().put("/schedule/tick").send({ cron: "@hourly", event }).expect(201);
    await app().post("/schedule/tick/run").expect(202);
    const { text } = await app().get("/topic/ticks/events").buffer().expect(200);
    const { type, data, source } = JSON.parse(text).event;
    assert.deepEqual([type, data, source], ["dev.skiff.schedule", { a: 1 }, "/schedule/tick"]);
    await app().post("/func?name=f").send("one").expect(201);
    await app()
      .put("/schedule/call")
      .send({ cron: "@hourly", call: { function: "f" } })
      .expect(201);
    const { call } = (await app().post("/schedule/call/run").expect(202)).body;
    const record = await get(`/call/${call}`, "CallRecord");
    assert.deepEqual([record.state, record.origin.name, record.origin.manual], ["waiting", "call", true]);
    assert.equal((await get("/call?schedule=call", "CallRecordPage")).calls.length, 1);
  });

  it("have their next and last times in the description of a schedule, and of a function with cron", async () => {
    await app()
      .put("/schedule/tick")
      .send({ cron: "@hourly", event: { topic: "ticks" } })
      .expect(201);
    await app().post("/func?name=f&cron=@every 90s").send("one").expect(201);
    const dueAt = Date.UTC(2030, 0, 1);
    for (const name of ["tick", "fn/f/0"]) {
      await store.timers.set({ name, rule: "r", anchor: 0, dueAt, delayMs: 0 });
      const next = { dueAt: dueAt + 1, delayMs: 0 };
      await store.timers.fire({ name, dueAt, next, firings: [{ at: dueAt, outcome: "missed" }], now: dueAt });
    }
    const last = { lastAt: "2030-01-01T00:00:00.000Z", lastOutcome: "missed" };
    const { state } = await get("/schedule/tick", "Schedule");
    assert.deepEqual(state, { paused: false, nextAt: "2030-01-01T00:00:00.001Z", ...last });
    const page = await get("/schedule/tick/firings", "FiringPage");
    assert.deepEqual(
      page.firings.map(({ outcome }: { outcome: string }) => outcome),
      ["missed"],
    );
    const [schedule] = (await get("/func/f", "FunctionDescription")).schedules;
    const { next, ...rest } = schedule;
    assert.deepEqual(rest, { schedule: "fn/f/0", cron: "@every 90s", ...last });
    assert.equal(next.length, 10);
    for (const at of next) assert.equal(Date.parse(at) % 90_000, 0);
  });
});
