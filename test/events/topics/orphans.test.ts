import assert from "node:assert/strict";
import { deliveryOf } from "../../../events/topics/delivery/deliveries.ts";
import { Orphans } from "../../../events/topics/delivery/orphans.ts";
import { TopicTable } from "../../../events/topics/topic-table.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { CallRecord, NewCall } from "../../../store/calls.ts";
import type { EventStore } from "../../../store/store.ts";
import { MemoryTopics } from "../../support/events/memory-topics.ts";
import { storedEvent, subscription } from "./event.ts";

const KEEP_MS = 1_000;

describe("deliveries of a removed subscription", () => {
  let table: TopicTable;
  let waiting: Map<string, NewCall>;
  let orphans: Orphans;
  let now: number;
  beforeEach(async () => {
    now = 5_000;
    table = new TopicTable();
    waiting = new Map();
    const topics = new MemoryTopics();
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
  const declare = (name: string) =>
    table.setSubscription(name, { topic: "orders", function: name, group: "g" });

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
});
