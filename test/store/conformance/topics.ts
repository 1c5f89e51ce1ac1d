import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type { StoredBody } from "../../../store/bodies.ts";
import type { Reply } from "../../../store/calls.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { NewPlace } from "../../../store/topics.ts";
import { NOON, newCall, Worker } from "./calls/new-call.ts";
import { type EventHistory, event, HOUR_MS } from "./events.ts";
import type { Harness } from "./subject.ts";

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** A time after every event. */
const LATER = { time: NOON + HOUR_MS };

/** Registers the tests of Topics. */
export function topics(harness: Harness<EventHistory>): void {
  describe("topics", () => {
    let store: EventHistory;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const publish = (ids: readonly number[], of: Partial<NewEvent> = {}, now = NOON) =>
      store.topics.publish(
        ids.map((id) => event({ id: String(id), ...of })),
        now,
      );
    const read = async (after = 0, limit = 1_000) =>
      (await store.topics.read("orders", after, limit)).map(({ id }) => Number(id));
    const join = (of: Partial<NewPlace> = {}) =>
      store.topics.join({ topic: "orders", group: "mail", from: "resume", now: NOON, ...of });
    const stats = async () => (await store.topics.stats())[0]!;

    it("have whole events, in order, with positions from 1 on", async () => {
      const whole = event({
        id: "naïve 🚤",
        attributes: { subject: "a", traceparent: "00-1-2-01" },
        data: { inline: Buffer.from([0, 255, 10]) },
        http: { method: "PUT", path: "/a?b", headers: ["x-a", "1", "x-a", "2"] },
        waiter: { id: "w1", until: NOON + 1 },
        isDeduplicated: true,
      });
      const published = await store.topics.publish([event(), whole], NOON);
      assert.deepEqual(published, [
        { position: 1, isNew: true },
        { position: 2, isNew: true },
      ]);
      const [first, second] = await store.topics.read("orders", 0, 10);
      const data = { inline: new Uint8Array([0, 255, 10]) };
      assert.deepEqual(second, { ...whole, data, position: 2, publishedAt: NOON });
      assert.deepEqual([first!.id, first!.http, first!.waiter], ["1", undefined, undefined]);
    });

    it("are read page by page", async () => {
      await publish(numbers(1, 5));
      assert.deepEqual(await read(0, 2), [1, 2]);
      assert.deepEqual(await read(2, 2), [3, 4]);
      assert.deepEqual(await read(4, 2), [5]);
      assert.deepEqual(await read(5), []);
    });

    it("of a batch each count for themselves", async () => {
      const batch = ["b", "a", "b"].map((topic) => event({ topic }));
      const positions = (await store.topics.publish(batch, NOON)).map(({ position }) => position);
      assert.deepEqual(positions, [1, 1, 2]);
    });

    it("have what was acknowledged after they were opened again", async () => {
      await Promise.all(numbers(1, 50).map((id) => publish([id])));
      const other = await harness.reopen(store);
      const ids = (await other.topics.read("orders", 0, 100)).map(({ id }) => Number(id));
      assert.deepEqual(
        ids.sort((a, b) => a - b),
        numbers(1, 50),
      );
    });

    it("hide no event from a reader who follows while several write", async () => {
      const seen: number[] = [];
      let isDone = false;
      const follow = async () => {
        for (let isLast = false; !isLast; ) {
          isLast = isDone;
          for (const { position } of await store.topics.read("orders", seen.at(-1) ?? 0, 1_000))
            seen.push(position);
        }
      };
      const reader = follow();
      const writer = async (first: number) => {
        for (const id of numbers(first, first + 29)) await publish([id, id + 1_000, id + 2_000]);
      };
      await Promise.all([writer(1), writer(101), writer(201)]);
      isDone = true;
      await reader;
      assert.deepEqual(seen, numbers(1, 270));
    });

    describe("an event that is published again", () => {
      const once = { isDeduplicated: true };

      it("is the same one for a day, and leaves no gap", async () => {
        await publish([1, 2], once);
        const again = await publish([2, 3, 1, 3, 4], once);
        assert.deepEqual(
          again.map(({ position, isNew }) => (isNew ? position : -position)),
          [-2, 3, -1, -3, 4],
        );
        assert.deepEqual(await read(), [1, 2, 3, 4]);
        const [third] = await publish([3], once, NOON + 23 * HOUR_MS);
        assert.deepEqual(third, { position: 3, isNew: false });
        const [fourth] = await publish([4], once, NOON + 25 * HOUR_MS);
        assert.deepEqual(fourth, { position: 5, isNew: true });
      });

      it("is another one from another source, on another topic, or if nobody asks", async () => {
        await publish([1], once);
        await publish([1], { ...once, source: "/other" });
        await publish([1], { ...once, topic: "other" });
        await publish([1]);
        assert.deepEqual(await read(), [1, 1, 1]);
      });

      it("is forgotten after a day", async () => {
        await publish([1], once);
        assert.equal(await store.removeOld(new Date(NOON + 25 * HOUR_MS)), false);
        assert.deepEqual(await publish([1], once), [{ position: 2, isNew: true }]);
      });

      it("by many at once is stored once", async () => {
        const all = await Promise.all(numbers(1, 20).map(() => publish([1, 2], once)));
        assert.equal(all.flat().filter(({ isNew }) => isNew).length, 2);
        assert.deepEqual(await read(), [1, 2]);
      });
    });

    describe("a time", () => {
      it("is a position, also when clocks differ", async () => {
        await publish([1], {}, NOON);
        await publish([2], {}, NOON - 5_000);
        await publish([3], {}, NOON + 1_000);
        assert.equal(await store.topics.positionAt("orders", NOON - 1), 0);
        assert.equal(await store.topics.positionAt("orders", NOON), 0);
        assert.equal(await store.topics.positionAt("orders", NOON + 1), 2);
        assert.equal(await store.topics.positionAt("orders", NOON + 1_001), 3);
        assert.equal(await store.topics.positionAt("absent", NOON), 0);
      });
    });

    describe("a new place", () => {
      it("begins at the end, at the beginning or at a time", async () => {
        await publish([1]);
        await publish([2], {}, NOON + 1_000);
        const position = async (group: string, from: NewPlace["from"]) =>
          (await join({ group, from })).position;
        assert.equal(await position("a", "resume"), 2);
        assert.equal(await position("b", "earliest"), 0);
        assert.equal(await position("c", { time: NOON + 500 }), 1);
        assert.deepEqual(await store.topics.place("orders", "c"), {
          topic: "orders",
          group: "c",
          position: 1,
        });
        assert.equal(await store.topics.place("orders", "absent"), undefined);
      });

      it("can be on a topic without events", async () => {
        assert.equal((await join()).position, 0);
        const { events, groups } = await stats();
        assert.deepEqual([events, groups], [0, [{ group: "mail", position: 0, lag: 0 }]]);
      });

      it("that is there already stays where it is", async () => {
        await join();
        await publish([1, 2]);
        assert.equal((await join({ from: LATER })).position, 0);
      });
    });

    describe("a removed place", () => {
      it("is no place, and comes back as it was", async () => {
        await join();
        await publish([1, 2]);
        await store.topics.leave("orders", "mail", NOON);
        assert.equal(await store.topics.place("orders", "mail"), undefined);
        assert.equal(await store.topics.move("orders", "mail", 2), false);
        assert.deepEqual((await stats()).groups, []);
        assert.equal((await join({ now: NOON + HOUR_MS })).position, 0);
        assert.equal((await store.topics.place("orders", "mail"))!.position, 0);
      });

      it("begins elsewhere if that is asked for, but not within a minute", async () => {
        await join();
        await publish([1, 2]);
        await store.topics.leave("orders", "mail", NOON);
        assert.equal((await join({ from: LATER, now: NOON + 59_000 })).position, 0);
        await store.topics.leave("orders", "mail", NOON);
        assert.equal((await join({ from: LATER, now: NOON + 61_000 })).position, 2);
      });

      it("is forgotten when the topic keeps no event of its time", async () => {
        await join();
        await store.topics.leave("orders", "mail", NOON);
        await publish([1, 2], {}, NOON + 1);
        await store.topics.trim("orders", { before: NOON, bytes: 1e9, limit: 10 });
        await store.topics.trim("orders", { before: NOON + 1, bytes: 1e9, limit: 10 });
        assert.equal((await join()).position, 2);
      });
    });

    describe("a delivery", () => {
      const deliver = (from: number, to: number, calls = [newCall()]) =>
        store.topics.deliver({ topic: "orders", group: "mail", from, to, calls, now: NOON });

      it("moves the place and stores its calls", async () => {
        await publish([1, 2]);
        await join({ from: "earliest" });
        const calls = [newCall(), newCall()];
        assert.equal(await deliver(0, 2, calls), true);
        assert.equal((await store.topics.place("orders", "mail"))!.position, 2);
        for (const { id } of calls) assert.equal((await store.calls.get(id))!.state, "waiting");
      });

      it("happens once, whoever does it", async () => {
        await publish(numbers(1, 9));
        await join({ from: "earliest" });
        const calls = numbers(1, 10).map(() => newCall());
        const outcomes = await Promise.all(calls.map((each) => deliver(0, 9, [each])));
        assert.equal(outcomes.filter((isDelivered) => isDelivered).length, 1);
        const stored = await Promise.all(calls.map(({ id }) => store.calls.get(id)));
        assert.equal(stored.filter((record) => record !== undefined).length, 1);
      });

      it("stores nothing for a place that was moved, removed or never there", async () => {
        await publish([1, 2]);
        const one = newCall();
        assert.equal(await deliver(0, 1, [one]), false);
        await join({ from: "earliest" });
        assert.equal(await store.topics.move("orders", "mail", 2), true);
        assert.equal(await deliver(0, 1, [one]), false);
        await store.topics.leave("orders", "mail", NOON);
        assert.equal(await deliver(2, 2, [one]), false);
        assert.equal(await store.calls.get(one.id), undefined);
      });
    });

    describe("replies", () => {
      const answer = {
        status: 201,
        headers: ["x-a", "1"],
        body: { inline: new Uint8Array([0, 255]) },
        isCut: false,
      };
      const settle = async (replies: readonly Reply[]) => {
        const worker = new Worker(store);
        await worker.enqueue(...replies.map(() => newCall()));
        const calls = await worker.lease();
        return await worker.settle(
          calls.map((call, place) => ({
            ...worker.settlement(call, { state: "done" }),
            reply: replies[place]!,
            events: [event({ id: String(place) })],
          })),
        );
      };

      it("are stored with the end of a delivery, as events that it publishes are", async () => {
        const replies: Reply[] = [
          { waiter: "a", group: "one", answer },
          { waiter: "a", group: "two" },
          { waiter: "b", group: "one", error: "It broke." },
        ];
        assert.deepEqual(await settle(replies), [true, true, true]);
        const found = await store.topics.replies(["a", "b", "c"]);
        assert.deepEqual([...found.keys()].sort(), ["a", "b"]);
        assert.deepEqual(found.get("a"), replies.slice(0, 2));
        assert.deepEqual(found.get("b"), replies.slice(2));
        assert.deepEqual(await store.topics.replies([]), new Map());
        assert.deepEqual((await read()).sort(), [0, 1, 2]);
      });

      it("of a group count once, and go after an hour", async () => {
        await settle([
          { waiter: "a", group: "one" },
          { waiter: "a", group: "one", answer },
        ]);
        const count = async () => (await store.topics.replies(["a"])).get("a")?.length;
        assert.equal(await count(), 1);
        await store.removeOld(new Date(NOON + HOUR_MS));
        assert.equal(await count(), 1);
        await store.removeOld(new Date(NOON + HOUR_MS + 1));
        assert.equal(await count(), undefined);
      });

      it("of a lease that does not hold are not stored", async () => {
        const worker = new Worker(store);
        await worker.enqueue(newCall());
        const [call] = await worker.lease();
        const reply = { waiter: "a", group: "one" };
        const late = { ...worker.settlement(call!, { state: "done" }), epoch: 9, reply, events: [event()] };
        assert.deepEqual(await worker.settle([late]), [false]);
        assert.equal((await store.topics.replies(["a"])).size, 0);
        assert.deepEqual(await read(), []);
      });
    });

    describe("their stats", () => {
      it("have the lag of each group, also behind the oldest event", async () => {
        await publish(numbers(1, 10));
        await join({ group: "a", from: "earliest" });
        await join({ group: "b" });
        await join({ group: "c", from: "earliest" });
        await store.topics.move("orders", "c", 7);
        const lags = async () => (await stats()).groups.map(({ group, lag }) => `${group} ${lag}`);
        assert.deepEqual(await lags(), ["a 10", "b 0", "c 3"]);
        await store.topics.trim("orders", { before: 0, bytes: 0, limit: 8 });
        assert.deepEqual(await lags(), ["a 2", "b 0", "c 2"]);
        const { published, end, events, oldestAt } = await stats();
        assert.deepEqual([published, end, events, oldestAt], [10, 10, 2, NOON]);
      });
    });

    describe("a long body", () => {
      it("stays as long as its event, a delivery of it, or a reply", async () => {
        // A body that was written now would be too old for what happened long ago.
        const now = Date.now();
        const write = () => store.bodies.write(Readable.from([Buffer.alloc(70_000)]), 100_000);
        const isThere = (body: StoredBody) =>
          Array.fromAsync(store.bodies.read(body)).then(
            () => true,
            () => false,
          );
        const data = await write();
        await publish([1], { data: data }, now);
        await join({ from: "earliest" });
        const request = { method: "POST", path: "/", headers: [], body: data };
        const delivery = newCall({ request, acceptedAt: now, dueAt: now, keepsRecord: false });
        await store.topics.deliver({
          topic: "orders",
          group: "mail",
          from: 0,
          to: 1,
          calls: [delivery],
          now,
        });
        const removeAll = async (hours: number) => {
          while (await store.removeOld(new Date(now + hours * HOUR_MS)));
        };
        await store.topics.trim("orders", { before: now + 1, bytes: 0, limit: 9 });
        await removeAll(2);
        assert.equal(await isThere(data), true, "a delivery refers to it");
        const worker = new Worker(store);
        worker.now = now;
        const reply = await write();
        const answer = { status: 200, headers: [], body: reply, isCut: false };
        const [call] = await worker.lease();
        await worker.settle([
          {
            ...worker.settlement(call!, { state: "done" }),
            reply: { waiter: "a", group: "mail", answer },
          },
        ]);
        await removeAll(0.5);
        assert.equal(await isThere(reply), true, "a reply refers to it");
        await removeAll(2);
        await removeAll(2);
        assert.deepEqual([await isThere(data), await isThere(reply)], [false, false]);
      });
    });

    describe("trim", () => {
      it("removes the oldest events by age, batch by batch", async () => {
        await publish([1, 2, 3]);
        await publish([4], {}, NOON + 1);
        const trim = () => store.topics.trim("orders", { before: NOON + 1, bytes: 1e9, limit: 2 });
        assert.deepEqual([await trim(), await trim(), await trim()], [2, 1, 0]);
        assert.deepEqual(await read(), [4]);
        await publish([5]);
        assert.deepEqual((await store.topics.read("orders", 4, 9))[0]!.position, 5);
      });

      it("removes the oldest events by bytes, and counts them exactly", async () => {
        await publish(numbers(1, 4), { data: { inline: Buffer.alloc(1_000) } });
        const { bytes } = await stats();
        assert.ok(bytes > 4_000 && bytes < 5_000, String(bytes));
        await store.topics.trim("orders", { before: 0, bytes: bytes / 2, limit: 100 });
        assert.equal((await stats()).bytes, bytes / 2);
        assert.deepEqual(await read(), [3, 4]);
        await store.topics.trim("orders", { before: 0, bytes: 0, limit: 100 });
        const { events, oldestAt, ...rest } = await stats();
        assert.deepEqual([events, oldestAt, rest.bytes, rest.end], [0, undefined, 0, 4]);
      });

      it("of a topic that is not there removes nothing", async () => {
        assert.equal(await store.topics.trim("absent", { before: NOON, bytes: 0, limit: 9 }), 0);
      });
    });

    it("are removed with their events, places and ids", async () => {
      await publish(numbers(1, 1_100), { isDeduplicated: true });
      await publish([1], { topic: "other" });
      await join();
      await store.topics.remove("orders");
      assert.deepEqual(await read(), []);
      assert.deepEqual(
        (await store.topics.stats()).map(({ topic }) => topic),
        ["other"],
      );
      assert.deepEqual(await publish([1], { isDeduplicated: true }), [{ position: 1, isNew: true }]);
      assert.equal((await join({ from: LATER })).position, 1);
    });

    it("answer `draining` once they are closed", async () => {
      await store.close();
      await assert.rejects(publish([1]), { code: "draining" });
    });
  });
}
