import assert from "node:assert/strict";
import type { EventWait, NewSignal } from "../../../../store/flows/runs.ts";
import { event } from "../events.ts";
import { Engine, NOON, type RunsHarness, type RunsStore } from "./new-run.ts";

/** Registers the tests of waits for events. */
export function waits(harness: RunsHarness): void {
  describe("waits for events", () => {
    let store: RunsStore;
    let engine: Engine;
    beforeEach(async () => {
      store = await harness.open();
      engine = new Engine(store);
    });
    afterEach(() => harness.dispose());

    const wait = (run: string, of: Partial<EventWait> = {}): EventWait => ({
      ...{ run, step: "paid", topic: "orders", by: "event.data.id", equals: '"a"' },
      ...of,
    });
    /** Ids of the same millisecond are in no order. */
    const begin = async (later: number) => {
      engine.now = NOON + later;
      return await engine.begin({ acceptedAt: engine.now });
    };
    const publish = (id: string) => store.topics.publish([event({ id })], NOON);
    const topics = () => store.runs.waits.topics();

    it("are found by topic, rule and value", async () => {
      const [a, b] = [await begin(1), await begin(2)];
      const long = "x".repeat(10_000);
      const given = [
        wait(a.id),
        wait(a.id, { step: "each", item: 0, type: "paid" }),
        wait(a.id, { step: "each", item: 1, type: "paid" }),
        wait(a.id, { step: "long", by: `${long} == 1`, equals: JSON.stringify(long) }),
      ];
      await engine.append(a, { waits: given });
      const other = [wait(b.id), wait(b.id, { step: "other", topic: "payments", equals: "1" })];
      await engine.append(b, { waits: other });
      const find = (of: Partial<EventWait> = {}) => {
        const { topic, equals, ...rule } = wait("", of);
        return store.runs.waits.find(topic, rule, equals);
      };
      assert.deepEqual(await find(), [given[0], other[0]]);
      assert.deepEqual(await find({ type: "paid" }), given.slice(1, 3));
      assert.deepEqual(await find({ by: `${long} == 1`, equals: JSON.stringify(long) }), [given[3]]);
      assert.deepEqual(await find({ equals: '"b"' }), []);
      assert.deepEqual(await find({ topic: "payments", equals: "1" }), [other[1]]);
      assert.deepEqual(
        (await topics()).map(({ topic }) => topic),
        ["orders", "payments"],
      );
      const rules = (await store.runs.waits.rules("orders")).map(({ type, by }) => [type, by.length]).sort();
      assert.deepEqual(
        rules,
        [
          ["paid", 13],
          [undefined, 13],
          [undefined, 10_005],
        ].sort(),
      );
      assert.deepEqual(await store.runs.waits.rules("none"), []);
    });

    it("end with an append, and with their run", async () => {
      const [a, b] = [await begin(1), await begin(2)];
      await engine.append(a, { waits: [wait(a.id), wait(a.id, { item: 4 })] });
      await engine.append(b, { waits: [wait(b.id)] });
      const found = async () => {
        const { topic, equals, ...rule } = wait("");
        return (await store.runs.waits.find(topic, rule, equals)).map(({ run, item }) => [run, item]);
      };
      assert.deepEqual(await found(), [
        [a.id, undefined],
        [a.id, 4],
        [b.id, undefined],
      ]);
      await engine.append({ ...a, sequence: 2 }, { waitsOver: [{ step: "paid" }] });
      assert.deepEqual(await found(), [
        [a.id, 4],
        [b.id, undefined],
      ]);
      await engine.end({ ...b, sequence: 2 });
      assert.deepEqual(await found(), [[a.id, 4]]);
      const again = wait(a.id, { item: 4, equals: '"b"' });
      await engine.append({ ...a, sequence: 3 }, { waits: [again] });
      assert.deepEqual(await found(), []);
      await engine.end({ ...a, sequence: 4 });
      assert.deepEqual(await topics(), []);
    });

    it("look at their topic from its end on, and together", async () => {
      await publish("1");
      const [a, b] = [await begin(1), await begin(2)];
      await engine.append(a, { waits: [wait(a.id), wait(a.id, { step: "new", topic: "new" })] });
      const position = async () => (await topics()).find(({ topic }) => topic === "orders")?.position;
      assert.deepEqual(await topics(), [
        { topic: "new", position: 0 },
        { topic: "orders", position: 1 },
      ]);
      await publish("2");
      await engine.append(b, { waits: [wait(b.id)] });
      assert.equal(await position(), 1);
      await engine.end({ ...a, sequence: 2 });
      await engine.end({ ...b, sequence: 2 });
      assert.deepEqual(await topics(), []);
      const c = await engine.begin();
      await engine.append(c, { waits: [wait(c.id)] });
      assert.equal(await position(), 2);
    });

    it("get events once, whoever looks", async () => {
      const run = await engine.begin();
      await engine.append(run, { waits: [wait(run.id)] });
      await engine.release({ ...run, sequence: 2 });
      const found = { topic: "orders", position: 1, event: { id: "1" } };
      const signal: NewSignal = { run: run.id, signal: { kind: "event", step: "paid", ...found } };
      const move = { topic: "orders", from: 0, to: 1, signals: [signal], now: NOON };
      const moved = await Promise.all([1, 2].map(() => store.runs.waits.advance(move)));
      assert.deepEqual(moved.sort(), [false, true]);
      assert.equal((await topics())[0]!.position, 1);
      assert.equal((await engine.claim()).length, 1);
      assert.deepEqual(
        (await store.runs.signals(engine.owner, 9)).map((each) => each.signal),
        [signal.signal],
      );
    });

    it("begin anew with a topic that was removed", async () => {
      await publish("1");
      const run = await engine.begin();
      await engine.append(run, { waits: [wait(run.id)] });
      await store.topics.remove("orders");
      assert.deepEqual(await topics(), [{ topic: "orders", position: 0 }]);
    });
  });
}
