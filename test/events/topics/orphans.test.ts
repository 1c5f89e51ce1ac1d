import assert from "node:assert/strict";
import { deliveryOf } from "../../../events/topics/delivery/deliveries.ts";
import { Orphans } from "../../../events/topics/delivery/orphans.ts";
import { TopicTable } from "../../../events/topics/topic-table.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { CallRecord, NewCall } from "../../../store/call.ts";
import type { EventStore } from "../../../store/store.ts";
import { MemoryTopics } from "../../support/events/memory-topics.ts";
import { storedEvent, subscription } from "./event.ts";

const KEEP_MS = 1_000;

describe("deliveries of a removed subscription", () => {
  let table: TopicTable;
  let waiting: Map<string, NewCall>;
  let orphans: Orphans;
  let now: number;
  let topics: MemoryTopics;
  beforeEach(async () => {
    now = 5_000;
    table = new TopicTable();
    waiting = new Map();
    topics = new MemoryTopics();
    await topics.publish([storedEvent({ id: "one" }), storedEvent({ id: "two" })], now);
    const seen = new Set<string>();
    const calls = {
      totals: async () =>
        [...new Set([...waiting.values()].map(({ queue }) => queue))].map((queue) => ({
          queue,
          waiting: 1,
          running: 0,
        })),
      list: async ({ queue }: { queue: string }) =>
        [...waiting.values()].filter((each) => each.queue === queue) as unknown as CallRecord[],
      get: async (id: string) => {
        const call = waiting.get(id);
        return call && { ...call, state: "waiting", attempts: [] };
      },
      cancel: async (id: string) => void waiting.delete(id),
      enqueue: async ([call]: readonly NewCall[]) => {
        const { scope, key } = call!.idempotency!;
        if (!seen.has(`${scope} ${key}`)) waiting.set(call!.id, call!);
        seen.add(`${scope} ${key}`);
      },
    } as unknown as EventStore["calls"];
    let ids = 0;
    const newId = () => `new${++ids}`;
    orphans = new Orphans({
      store: { calls, topics },
      table,
      keepMs: KEEP_MS,
      policy: () => DEFAULT_RETRY,
      newId,
      now: () => now,
    });
    for (const [index, id] of ["one", "two"].entries()) {
      const event = storedEvent({ id, position: index + 1 });
      const call = deliveryOf(event, subscription("a"), {
        group: "g",
        now,
        newId: () => id,
        policy: () => DEFAULT_RETRY,
      });
      waiting.set(id, call);
    }
  });
  const declare = (name: string, more = {}) =>
    table.setSubscription(name, { topic: "orders", function: name, group: "g", ...more });
  const events = () =>
    [...waiting.values()].map(({ queue, origin }) => [queue, origin.kind === "subscription" && origin.event]);

  it("rest while another member of the group never had a valid spec", async () => {
    declare("b", { filter: { exact: { id: "none" } } });
    declare("c", { from: "yesterday" });
    await orphans.tidy();
    assert.deepEqual([...waiting.keys()], ["one", "two"]);
    declare("c");
    await orphans.tidy();
    assert.deepEqual(events(), [
      ["sub/c", "one"],
      ["sub/c", "two"],
    ]);
  });

  it("rest from its removal until it is back", async () => {
    declare("a");
    assert.equal(orphans.changed("a"), false);
    assert.deepEqual([...orphans.queues()], []);
    table.setSubscription("a", undefined);
    assert.equal(orphans.changed("a"), true);
    assert.deepEqual([...orphans.queues()], ["sub/a"]);
    await orphans.tidy();
    assert.deepEqual([...waiting.keys()], ["one", "two"]);
    declare("a");
    orphans.changed("a");
    assert.deepEqual([...orphans.queues()], []);
  });

  it("rest also if it was removed while nothing ran, and end when they are old", async () => {
    await orphans.tidy();
    assert.deepEqual([...orphans.queues()], ["sub/a"]);
    now += KEEP_MS;
    await orphans.tidy();
    assert.equal(waiting.size, 2);
    now += 1;
    await orphans.tidy();
    assert.equal(waiting.size, 0);
    await orphans.tidy();
    assert.deepEqual([...orphans.queues()], []);
  });

  it("go to another member of its group, each once", async () => {
    declare("b");
    const kept = [...waiting];
    await orphans.tidy();
    for (const [id, call] of kept) waiting.set(id, call);
    await orphans.tidy();
    const moved = [...waiting.values()];
    assert.deepEqual(
      moved.map(({ queue, target, origin }) => [
        queue,
        target,
        origin.kind === "subscription" && origin.event,
      ]),
      [
        ["sub/b", { function: "b" }, "one"],
        ["sub/b", { function: "b" }, "two"],
      ],
    );
  });

  it("wait for a member that is paused", async () => {
    declare("b", { paused: true });
    await orphans.tidy();
    assert.deepEqual(events(), [
      ["sub/b", "one"],
      ["sub/b", "two"],
    ]);
  });

  it("end if no member of the group wants them", async () => {
    declare("b", { filter: { exact: { id: "two" } } });
    await orphans.tidy();
    assert.deepEqual(events(), [["sub/b", "two"]]);
  });

  it("go on as they are when the topic does not keep their events any more", async () => {
    declare("b", { filter: { exact: { source: "/gateway" } } });
    waiting.clear();
    const gateway = { type: "dev.skiff.http", source: "/gateway", attributes: { subject: "/é" } };
    const http = { method: "PUT", path: "/in?a=1", headers: ["cookie", "c=1"] };
    const event = storedEvent({ ...gateway, http, id: "three", position: 3 });
    const options = { group: "g", now, newId: () => "three", policy: () => DEFAULT_RETRY };
    waiting.set("three", deliveryOf(event, subscription("a"), options));
    await orphans.tidy();
    assert.deepEqual(events(), [["sub/b", "three"]]);
    const [call] = waiting.values();
    assert.deepEqual(call!.request, deliveryOf(event, subscription("b"), options).request);
  });

  it("stay where they are while the spec of their subscription is not valid", async () => {
    declare("b");
    declare("a", { from: "yesterday" });
    assert.equal(orphans.changed("a"), false);
    await orphans.tidy();
    assert.deepEqual([...orphans.queues()], ["sub/a"]);
    assert.deepEqual(events(), [
      ["sub/a", "one"],
      ["sub/a", "two"],
    ]);
  });
});
