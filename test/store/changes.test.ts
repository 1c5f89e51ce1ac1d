import assert from "node:assert/strict";
import type { Calls } from "../../store/calls.ts";
import { announcing, storeChanges } from "../../store/changes.ts";
import type { NewEvent } from "../../store/event.ts";
import type { Append, NewRun, Runs } from "../../store/flows/runs.ts";
import { startOf } from "../../store/places.ts";
import type { EventStore, FlowStore } from "../../store/store.ts";
import type { Topics } from "../../store/topics.ts";

function eventOf(topic: string): NewEvent {
  const data = { inline: new Uint8Array() };
  return { topic, id: topic, source: "/test", type: "test", attributes: {}, data, isDeduplicated: true };
}

/** A store whose writes succeed; publishing stores every event but those of the topic `known`. */
function recorded() {
  const topics = {
    publish: async (events: readonly NewEvent[]) =>
      events.map(({ topic }) => ({ position: 1, isNew: topic !== "known" })),
    move: async (_: string, group: string) => group !== "unknown",
  } as unknown as Topics;
  const calls = {
    settle: async () => [true],
    beat: async (_: string, now: number) => ({ isHeld: true, givenBack: now }),
    cancelAll: async (_: object, { limit }: { limit: number }) => ({ count: limit, isMore: false }),
  } as unknown as Calls;
  const changes = storeChanges();
  const seen: unknown[] = [];
  changes.on("events", (names) => seen.push(["events", ...names]));
  changes.on("places", (...place) => seen.push(["places", ...place]));
  const store = announcing({ topics, calls, timers: {} } as unknown as EventStore, changes);
  return { store, changes, seen };
}

describe("changes of a store", () => {
  it("name the topics of new events", async () => {
    const { store, seen } = recorded();
    await store.topics.publish(["a", "b", "a", "known"].map(eventOf), 1);
    await store.topics.publish([eventOf("known")], 1);
    const settled = {
      id: "1",
      owner: "o",
      epoch: 1,
      outcome: { state: "done" },
      events: [eventOf("c")],
    } as const;
    await store.calls.settle([settled], 1);
    assert.deepEqual(seen, [
      ["events", "a", "b"],
      ["events", "c"],
    ]);
  });

  it("are told of calls that a beat gave back, and of cancelled ones", async () => {
    const { store, changes } = recorded();
    let told = 0;
    changes.on("calls", () => told++);
    const counts = [];
    for (const count of [0, 2]) {
      await store.calls.beat("w", count, { running: [], dropped: [] });
      counts.push(told);
      await store.calls.cancelAll({}, { now: 1, limit: count });
      counts.push(told);
    }
    assert.deepEqual(counts, [0, 0, 1, 2]);
  });

  it("name the places that were moved", async () => {
    const { store, seen } = recorded();
    await store.topics.move("a", "one", 3);
    await store.topics.move("a", "unknown", 3);
    assert.deepEqual(seen, [["places", "a", "one"]]);
  });
});

describe("changes of runs", () => {
  const outcomes = { append: "stored", signal: [true] as readonly boolean[] };
  const runs = {
    append: async () => outcomes.append,
    create: async (given: readonly NewRun[]) => given.map(({ id }) => ({ id, isNew: id !== "known" })),
    signal: async () => outcomes.signal,
    entries: async (id: string) => (id === "queued" ? [{ kind: "cancelling" }, { kind: "ended" }] : []),
    waits: { advance: async () => true },
  } as unknown as Runs;
  const append = (more: Partial<Append> = {}) =>
    ({ run: "r", owner: "o", after: 1, entries: [], row: { state: "running" }, now: 1, ...more }) as Append;
  function watched() {
    const changes = storeChanges();
    const seen: unknown[] = [];
    changes.on("runs", () => seen.push("runs"));
    changes.on("run", (id) => seen.push(id));
    changes.on("events", (names) => seen.push(...names));
    return { store: announcing({ topics: {}, calls: {}, timers: {}, runs } as FlowStore, changes), seen };
  }

  it("name the run that has new entries, and the topics of its events", async () => {
    const { store, seen } = watched();
    await store.runs.append(append({ events: [eventOf("a")] }));
    assert.deepEqual(seen, ["r", "a"]);
    outcomes.append = "lost";
    await store.runs.append(append({ events: [eventOf("a")] }));
    outcomes.append = "stored";
    assert.equal(seen.length, 2);
    const owned = { owner: "o", entries: [], row: { state: "running" } };
    const begun = [{ id: "new", owned }, { id: "known", owned }, { id: "free" }] as unknown as NewRun[];
    await store.runs.create(begun, { now: 1, mostLive: 1 });
    assert.deepEqual(seen.slice(2), ["runs", "new"]);
  });

  it("name a run that ended as it was cancelled", async () => {
    const { store, seen } = watched();
    const cancel = (run: string) => store.runs.signal([{ run, signal: { kind: "cancel", by: "test" } }], 1);
    await cancel("begun");
    assert.deepEqual(seen, ["runs"]);
    await cancel("queued");
    assert.deepEqual(seen, ["runs", "runs", "queued"]);
  });

  it("are told of runs that an engine may take, or that have signals", async () => {
    const { store, seen } = watched();
    const signals = [{ run: "p", signal: { kind: "pause", by: "test" } }] as const;
    await store.runs.append(append({ signals }));
    await store.runs.append(append({ isReleased: true }));
    await store.runs.signal(signals, 1);
    outcomes.signal = [false];
    await store.runs.signal(signals, 1);
    outcomes.signal = [true];
    const move = { topic: "a", from: 1, to: 2, now: 1 };
    await store.runs.waits.advance({ ...move, signals });
    await store.runs.waits.advance({ ...move, signals: [] });
    assert.deepEqual(seen, ["r", "runs", "r", "runs", "runs", "runs"]);
  });
});

describe("the start of a subscription", () => {
  it("is the end of the topic, its beginning or a time", () => {
    const start = (from?: string) => startOf("mail", { topic: "orders", ...(from && { from }) }, 7);
    assert.deepEqual(start(), { topic: "orders", group: "mail", from: "resume", now: 7 });
    assert.deepEqual(start("latest").from, "resume");
    assert.deepEqual(start("earliest").from, "earliest");
    assert.deepEqual(start("2026-11-29T00:00:00Z").from, { time: Date.UTC(2026, 10, 29) });
  });

  it("is that of the group", () => {
    assert.equal(startOf("mail", { topic: "orders", group: "all" }, 7).group, "all");
  });
});
