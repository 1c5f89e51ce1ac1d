import assert from "node:assert/strict";
import { deliveryOf } from "../../../events/topics/delivery/deliveries.ts";
import { MOST_LIVE } from "../../../events/topics/delivery/group-pump.ts";
import { chooseMember, groupsOf, type Subscription, Turns } from "../../../events/topics/delivery/groups.ts";
import { Pump } from "../../../events/topics/delivery/pump.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import { Problem } from "../../../platform/problems.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import { startOf } from "../../../store/places.ts";
import type { EventStore } from "../../../store/store.ts";
import { MemoryTopics } from "../../support/events/memory-topics.ts";
import { eventually } from "../../support/eventually.ts";
import { storedEvent, subscription } from "./event.ts";

/** A program's pump over a store that several may share. */
function program(memory: MemoryTopics, isShared = false) {
  const changes = storeChanges();
  const live = { count: 0 };
  const calls = {
    live: async () => live.count + memory.delivered.length,
  };
  const { topics } = announcing({ topics: memory, calls, timers: {} } as unknown as EventStore, changes);
  const printed: string[] = [];
  let ids = 0;
  const turns = new Turns();
  const pump = new Pump({
    ...{ topics, changes, isShared, now: () => 1_000, print: (line) => void printed.push(line) },
    calls: calls as unknown as EventStore["calls"],
    start: ({ members: [first] }) => startOf(first!.name, first!.spec, 1_000),
    deliveries: (group, events) =>
      events.flatMap((event) => {
        const member = chooseMember(group, event, turns);
        const newId = () => String(++ids);
        return member === undefined
          ? []
          : deliveryOf(event, member, { group: group.name, now: 1_000, newId, policy: () => DEFAULT_RETRY });
      }),
  });
  const set = (...subscriptions: Subscription[]) => pump.set(groupsOf(subscriptions));
  const publish = (...ids: string[]) =>
    topics.publish(
      ids.map((id) => storedEvent({ id })),
      1_000,
    );
  return { pump, set, publish, topics, changes, live, printed };
}

/** Ids of the events that were delivered, by subscription. */
function received(memory: MemoryTopics, name: string): string[] {
  return memory.delivered.flatMap(({ origin }) =>
    origin.kind === "subscription" && origin.name === name ? origin.event : [],
  );
}

describe("the pump", () => {
  let memory: MemoryTopics;
  const pumps: Pump[] = [];
  beforeEach(() => {
    memory = new MemoryTopics();
  });
  afterEach(() => Promise.all(pumps.splice(0).map((pump) => pump.close())));
  const start = (isShared = false) => {
    const started = program(memory, isShared);
    pumps.push(started.pump);
    return started;
  };
  const gets = (name: string, ids: string[]) =>
    eventually(`${name} gets ${ids}`, () => received(memory, name).join() === ids.join());

  it("delivers what is published from now on, to each group", async () => {
    const { set, publish, pump } = start();
    await publish("before");
    set(subscription("a"), subscription("b", { from: "earliest" }));
    await pump.joined("orders");
    await publish("one", "two");
    await gets("a", ["one", "two"]);
    await gets("b", ["before", "one", "two"]);
  });

  it("delivers what was published while it did not run", async () => {
    const first = start();
    first.set(subscription("a"));
    await first.pump.joined("orders");
    await first.pump.close();
    await first.publish("one");
    const second = start();
    second.set(subscription("a"));
    await gets("a", ["one"]);
  });

  it("delivers each event once, however many programs pump", async () => {
    const programs = [start(true), start(true), start(true)];
    for (const { set } of programs) set(subscription("a"));
    await Promise.all(programs.map(({ pump }) => pump.joined("orders")));
    const ids = Array.from({ length: 900 }, (_, index) => String(index));
    for (const [index, id] of ids.entries()) await programs[index % 3]!.publish(id);
    await gets("a", ids);
  });

  it("passes over events that no member wants", async () => {
    const { set, publish, pump, topics } = start();
    set(subscription("a", { filter: { exact: { id: "two" } } }));
    await pump.joined("orders");
    await publish("one", "two", "three");
    await gets("a", ["two"]);
    await eventually(
      "the place is at the end",
      async () => (await topics.place("orders", "a"))!.position === 3,
    );
  });

  it("leaves events in the topic while the group has many deliveries", async () => {
    const { set, publish, pump, live, changes } = start();
    live.count = MOST_LIVE - 2;
    set(subscription("a"));
    await pump.joined("orders");
    await publish("one", "two", "three", "four");
    await gets("a", ["one", "two"]);
    live.count -= 1;
    changes.emit("calls");
    await gets("a", ["one", "two", "three"]);
    live.count = 0;
    changes.emit("calls");
    await gets("a", ["one", "two", "three", "four"]);
  });

  it("rests while all members are paused, and goes on where it was", async () => {
    const { set, publish, pump, topics } = start();
    set(subscription("a", { paused: true }));
    await pump.joined("orders");
    await publish("one");
    await pump.joined("orders");
    assert.equal((await topics.place("orders", "a"))!.position, 0);
    set(subscription("a"));
    await gets("a", ["one"]);
  });

  it("reads a topic again only for groups that changed", async () => {
    const { set, publish, pump } = start();
    const [a, b] = [subscription("a"), subscription("b")];
    set(a);
    await pump.joined("orders");
    await publish("one");
    await gets("a", ["one"]);
    // The store in memory answers within microtasks: the pump has read to the end after them.
    await new Promise(setImmediate);
    let reads = 0;
    const read = memory.read.bind(memory);
    memory.read = (...given) => {
      reads++;
      return read(...given);
    };
    set(a, b);
    await pump.joined("orders");
    await new Promise(setImmediate);
    assert.equal(reads, 1, "the new group alone");
  });

  it("repeats events when the place is moved back", async () => {
    const { set, publish, pump, topics } = start();
    set(subscription("a"));
    await pump.joined("orders");
    await publish("one", "two");
    await gets("a", ["one", "two"]);
    await topics.move("orders", "a", 1);
    await gets("a", ["one", "two", "two"]);
  });

  it("follows a place that another program moved", async () => {
    const { set, publish, pump } = start(true);
    set(subscription("a"));
    await pump.joined("orders");
    await publish("one");
    await gets("a", ["one"]);
    await memory.move("orders", "a", 0);
    await gets("a", ["one", "one"]);
  });

  // https://github.com/knative/eventing/issues/6984
  it("loses nothing between the removal of a subscription and a new one of its name", async () => {
    const { set, publish, pump } = start();
    set(subscription("a"));
    await pump.joined("orders");
    await publish("one");
    await gets("a", ["one"]);
    set();
    await eventually("the place is left", async () => (await memory.place("orders", "a")) === undefined);
    await publish("two");
    set(subscription("a"));
    await publish("three");
    await gets("a", ["one", "two", "three"]);
    set();
    set(subscription("a"));
    await publish("four");
    await gets("a", ["one", "two", "three", "four"]);
  });

  it("passes over no event while a member of the group has no valid spec", async () => {
    const { pump, publish, live } = start();
    const members = [subscription("a", { group: "g", filter: { exact: { type: "other" } } })];
    const unclear = new Map([["b", { topic: "orders", group: "g" }]]);
    pump.set(groupsOf(members, unclear));
    await pump.joined("orders");
    await publish("one");
    const [other] = [subscription("c")];
    pump.set(groupsOf([...members, other!], unclear));
    await pump.joined("orders");
    await publish("two");
    await gets("c", ["two"]);
    assert.equal((await memory.place("orders", "g"))!.position, 0);
    pump.set(groupsOf([...members, subscription("b", { group: "g" })]));
    await gets("b", ["one", "two"]);
    assert.equal(live.count, 0);
  });

  it("goes on when the store is back, and says once that events wait", async () => {
    const { set, publish, pump, printed } = start();
    set(subscription("a"));
    await pump.joined("orders");
    await memory.publish([storedEvent({ id: "one" })], 1_000);
    memory.fault = new Problem("store_unavailable", "The store is away.", { retryAfterS: 1 });
    await assert.rejects(publish("two"), { code: "store_unavailable" });
    pump.set(groupsOf([subscription("a", { path: "/new" })]));
    await eventually("the failure is printed", () => printed.length === 1);
    memory.fault = undefined;
    await gets("a", ["one"]);
    const line = "events of topic orders wait for the group a: The store is away.";
    assert.deepEqual(printed, [line]);
    memory.fault = new Problem("store_unavailable", "The store is away.", { retryAfterS: 1 });
    pump.set(groupsOf([subscription("a", { path: "/newer" })]));
    await eventually("the next failure is printed", () => printed.length === 2);
    memory.fault = undefined;
  });
});
