import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Orphans } from "../../../events/topics/delivery/orphans.ts";
import { Housekeeping } from "../../../events/topics/housekeeping.ts";
import { TopicTable } from "../../../events/topics/topic-table.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { Topics } from "../../../store/topics.ts";
import { storedEvent } from "./event.ts";

const LIMITS = { ...limitsFromEnv({}), topicAgeMs: 10_000 };

describe("housekeeping of topics", () => {
  let folder: string;
  let store: SqliteStore;
  let table: TopicTable;
  let now: number;
  let isCurrent: boolean;
  const printed: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-housekeeping-"));
    store = new SqliteStore({ file: join(folder, "history.db"), print: () => {} });
    table = new TopicTable();
    now = Date.now();
    isCurrent = true;
    printed.length = 0;
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const round = async (topics: Topics = store.topics) => {
    const newId = () => "";
    const options = {
      store,
      table,
      keepMs: LIMITS.topicAgeMs,
      policy: () => DEFAULT_RETRY,
      newId,
      now: () => now,
    };
    const orphans = new Orphans(options);
    const print = (line: string) => void printed.push(line);
    const housekeeping = new Housekeeping({
      ...{ topics, table, orphans, limits: LIMITS, now: () => now, print },
      isCurrent: async () => isCurrent,
    });
    await housekeeping.start();
    await housekeeping.close();
  };
  const publish = (...ids: string[]) =>
    store.topics.publish(
      ids.map((id) => storedEvent({ id, data: { inline: Buffer.alloc(1_000) } })),
      now,
    );
  const kept = async () => (await store.topics.read("orders", 0, 2_000)).map(({ id }) => id);

  it("removes events that are older than the topic keeps them", async () => {
    await publish("old");
    now += 9_000;
    await publish("new");
    table.setTopic("orders", { keepFor: "20s" });
    now += 2_000;
    await round();
    assert.deepEqual(await kept(), ["old", "new"], "the topic has an age of its own");
    table.setTopic("orders", undefined);
    await round();
    assert.deepEqual(await kept(), ["new"], "and else that of the installation");
  });

  it("removes the oldest events over the bytes that the topic keeps, in any number", async () => {
    const ids = Array.from({ length: 1_200 }, (_, index) => `e${index}`);
    await publish(...ids);
    table.setTopic("orders", { keepBytes: "20000" });
    await round();
    const left = await kept();
    assert.deepEqual(left, ids.slice(-left.length));
    assert.ok(left.length > 10 && left.length < 20, `${left.length} are left`);
  });

  it("leaves the places of subscriptions that were removed while nothing ran", async () => {
    await store.topics.join({ topic: "orders", group: "gone", from: "earliest", now });
    await store.topics.join({ topic: "orders", group: "there", from: "earliest", now });
    table.setSubscription("there", { topic: "orders", function: "f" });
    await round();
    assert.equal(await store.topics.place("orders", "gone"), undefined);
    assert.ok(await store.topics.place("orders", "there"));
  });

  it("removes nothing while it may not know everything that is declared", async () => {
    await publish("old");
    await store.topics.join({ topic: "orders", group: "there", from: "earliest", now });
    now += 11_000;
    isCurrent = false;
    await round();
    assert.deepEqual(await kept(), ["old"]);
    assert.ok(await store.topics.place("orders", "there"));
  });

  it("removes nothing of a topic or a subscription whose spec is not valid", async () => {
    await publish("old");
    await store.topics.join({ topic: "orders", group: "mail", from: "earliest", now });
    now += 11_000;
    table.setTopic("orders", { keepFor: "365 days" });
    table.setSubscription("mail", { topic: "orders", function: "f", from: "yesterday" });
    await round();
    assert.deepEqual(await kept(), ["old"]);
    assert.ok(await store.topics.place("orders", "mail"));
    table.setTopic("orders", {});
    table.setSubscription("mail", undefined);
    await round();
    assert.deepEqual(await kept(), []);
    assert.equal(await store.topics.place("orders", "mail"), undefined);
  });

  it("says that it goes on later when the store is away", async () => {
    const topics = { stats: () => Promise.reject(new Error("away")) } as unknown as Topics;
    await round(topics);
    assert.deepEqual(printed, ["topics are tidied later: away"]);
  });
});
