import assert from "node:assert/strict";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { NOON, newCall, Worker } from "../conformance/calls/new-call.ts";
import { event } from "../conformance/events.ts";
import { PostgresHarness } from "./open-store.ts";

const harness = new PostgresHarness();
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Each store has connections of its own, as the stores of two programs have. */
describe("two programs on one PostgreSQL", function () {
  this.timeout(60_000);
  let stores: readonly PostgresStore[];
  beforeEach(async () => {
    const first = await harness.open();
    stores = [first, await harness.reopen(first)];
  });
  afterEach(() => harness.dispose());

  const both = <T>(use: (store: PostgresStore, index: number) => Promise<T>) => Promise.all(stores.map(use));
  const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

  it("hide no event from each other while both publish", async () => {
    let isDone = false;
    const follow = async (store: PostgresStore) => {
      const seen: number[] = [];
      for (let isLast = false; !isLast; ) {
        isLast = isDone;
        const events = await store.topics.read("orders", seen.at(-1) ?? 0, 100);
        seen.push(...events.map(({ position }) => position));
      }
      return seen;
    };
    const readers = both(follow);
    await both(async ({ topics }, index) => {
      for (const turn of numbers(60)) {
        const batch = numbers(5).map((at) => event({ id: `${index}-${turn}-${at}` }));
        await topics.publish(batch, NOON);
      }
    });
    isDone = true;
    const all = numbers(600).map((at) => at + 1);
    assert.deepEqual(await readers, [all, all]);
  });

  it("store an event once that both publish", async () => {
    const batch = numbers(20).map((id) => event({ id: String(id), isDeduplicated: true }));
    const turns = numbers(10);
    await both(async ({ topics }) => {
      await Promise.all(turns.map(() => topics.publish(batch, NOON)));
    });
    const events = await stores[0]!.topics.read("orders", 0, 1_000);
    assert.deepEqual(ids(events).sort(), ids(batch).sort());
    assert.equal(events.at(-1)!.position, 20);
  });

  it("deliver each event once while they publish to several topics, each in its own order", async () => {
    const names = ["a", "b", "c"];
    for (const topic of names)
      await stores[0]!.topics.join({ topic, group: "mail", from: "earliest", now: NOON });
    const publish = async ({ topics }: PostgresStore, order: readonly string[]) => {
      for (const turn of numbers(20))
        await topics.publish(
          order.map((topic) => event({ topic, id: `${order.join("")}${turn}` })),
          NOON,
        );
    };
    let isDone = false;
    const pump = async ({ topics }: PostgresStore, topic: string) => {
      for (let isLast = false; !isLast; ) {
        isLast = isDone;
        const { position: from } = (await topics.place(topic, "mail"))!;
        const events = await topics.read(topic, from, 7);
        if (events.length === 0) continue;
        isLast = false;
        const calls = events.map(({ id }) => newCall({ queue: `fn/${topic}`, orderKey: id }));
        await topics.deliver({ topic, group: "mail", from, to: events.at(-1)!.position, calls, now: NOON });
      }
    };
    const pumps = both((store) => Promise.all(names.map((topic) => pump(store, topic))));
    await both((store, index) => publish(store, index === 0 ? names : names.toReversed()));
    isDone = true;
    await pumps;
    for (const topic of names) {
      const records = await stores[1]!.calls.list({ queue: `fn/${topic}`, limit: 1_000 });
      const published = await stores[0]!.topics.read(topic, 0, 1_000);
      assert.deepEqual(records.map(({ orderKey }) => orderKey).sort(), ids(published).sort());
    }
  });

  it("store what deliveries answer while both publish", async () => {
    const ended = await both(async (store, index) => {
      const worker = new Worker(store, `worker-${index}`);
      await worker.enqueue(...numbers(40).map((at) => newCall({ queue: `sub/${at % 3}` })));
      const calls = await worker.lease({ limit: 40 });
      const settled = worker.settle(
        calls.map((call, at) => ({
          ...worker.settlement(call, { state: "done" }),
          events: ["a", "b"].map((topic) => event({ topic, id: `${index}-${at}` })),
          reply: { waiter: call.id, group: "mail" },
        })),
      );
      await Promise.all(
        numbers(20).map((at) =>
          store.topics.publish(
            ["b", "a"].map((topic) => event({ topic, id: `p${index}-${at}` })),
            NOON,
          ),
        ),
      );
      const held = await settled;
      assert.ok(
        held.every((isHeld) => isHeld),
        "every lease holds",
      );
      return held.length;
    });
    assert.equal(ended[0]! + ended[1]!, 80);
    for (const topic of ["a", "b"])
      assert.equal((await stores[0]!.topics.read(topic, 0, 1_000)).length, 80 + 40);
  });

  it("fire a timer once", async () => {
    const timer = { name: "report", rule: "@hourly", anchor: NOON, dueAt: NOON, delayMs: 0 };
    await both(({ timers }) => timers.set(timer));
    for (const turn of numbers(20)) {
      const dueAt = NOON + turn;
      const next = { dueAt: dueAt + 1, delayMs: 0 };
      const fired = await both(({ timers }) => {
        const call = newCall({ origin: { kind: "schedule", name: "report", at: dueAt } });
        return timers.fire({ name: "report", dueAt, next, firings: [{ at: dueAt, call }], now: NOON });
      });
      assert.equal(fired.filter((isFired) => isFired).length, 1);
    }
    assert.equal((await stores[0]!.calls.list({ limit: 100 })).length, 20);
    assert.equal((await stores[1]!.timers.firings("report", { limit: 100 })).length, 20);
  });
});
