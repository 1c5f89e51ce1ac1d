import assert from "node:assert/strict";
import type { Fire, NewFiring, Timer } from "../../../store/timers.ts";
import { NOON, newCall } from "./calls/new-call.ts";
import { type EventHistory, event, HOUR_MS } from "./events.ts";
import type { Harness } from "./subject.ts";

const timer = (of: Partial<Timer> = {}): Timer => ({
  name: "report",
  rule: "@hourly UTC",
  anchor: NOON,
  dueAt: NOON,
  delayMs: 0,
  ...of,
});

const scheduled = () =>
  newCall({ queue: "fn/report", origin: { kind: "schedule", name: "report", at: NOON } });

/** Registers the tests of Timers. */
export function timers(harness: Harness<EventHistory>): void {
  describe("timers", () => {
    let store: EventHistory;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const set = (of: Partial<Timer> = {}) => store.timers.set(timer(of));
    const fire = (firings: readonly NewFiring[] = [], of: Partial<Fire> = {}) => {
      const next = { dueAt: NOON + HOUR_MS, delayMs: 0 };
      return store.timers.fire({ name: "report", dueAt: NOON, next, firings, now: NOON + 5, ...of });
    };
    const firings = (limit = 100, before?: number) => store.timers.firings("report", { limit, before });
    const outcomes = async () => (await firings()).map(({ outcome }) => outcome);

    it("stay as they are while their rule is the same", async () => {
      assert.deepEqual(await set(), timer());
      assert.deepEqual(await set({ anchor: NOON + 1, dueAt: NOON + 9, delayMs: 3 }), timer());
      const changed = timer({ rule: "@daily UTC", anchor: NOON + 1, dueAt: NOON + 9, delayMs: 3 });
      assert.deepEqual(await store.timers.set(changed), changed);
      assert.deepEqual(await store.timers.get("report"), changed);
      const other = await harness.reopen(store);
      assert.deepEqual(await other.timers.set({ ...changed, dueAt: NOON }), changed);
    });

    it("are removed", async () => {
      await set();
      await store.timers.remove("report");
      assert.equal(await store.timers.get("report"), undefined);
      assert.equal(await fire(), false);
    });

    it("are due in their order, with their jitter", async () => {
      await set({ name: "c", dueAt: NOON + 10 });
      await set({ name: "b", dueAt: NOON - 10, delayMs: 10 });
      await set({ name: "a", dueAt: NOON - 5, delayMs: 0 });
      await set({ name: "never", dueAt: undefined });
      const due = async (now: number, limit: number) => {
        const { timers: found, nextDueAt } = await store.timers.due(now, limit);
        return [...found.map(({ name }) => name), nextDueAt];
      };
      assert.deepEqual(await due(NOON, 10), ["a", "b", NOON + 10]);
      assert.deepEqual(await due(NOON, 1), ["a", NOON]);
      assert.deepEqual(await due(NOON - 100, 10), [NOON - 5]);
      assert.deepEqual(await due(NOON + 10, 10), ["a", "b", "c", undefined]);
    });

    it("fire a call or an event, and move on", async () => {
      await set();
      const one = scheduled();
      const made = event();
      assert.equal(
        await fire([
          { at: NOON - 1, event: made },
          { at: NOON, call: one },
        ]),
        true,
      );
      assert.equal((await store.calls.get(one.id))!.state, "waiting");
      assert.equal((await store.topics.read("orders", 0, 9)).length, 1);
      assert.deepEqual(await store.timers.get("report"), timer({ dueAt: NOON + HOUR_MS }));
      assert.deepEqual(await firings(), [
        { at: NOON, firedAt: NOON + 5, outcome: "fired", call: one.id },
        { at: NOON - 1, firedAt: NOON + 5, outcome: "fired", event: made.id },
      ]);
    });

    it("may never fire again", async () => {
      await set();
      assert.equal(await fire([], { next: { dueAt: undefined, delayMs: 0 } }), true);
      assert.deepEqual(await store.timers.due(NOON + 1e12, 9), { timers: [], nextDueAt: undefined });
    });

    it("fire once, whatever the number of managers", async () => {
      await set();
      const calls = Array.from({ length: 10 }, scheduled);
      const fired = await Promise.all(calls.map((each) => fire([{ at: NOON, call: each }])));
      assert.equal(fired.filter((isFired) => isFired).length, 1);
      const stored = await Promise.all(calls.map(({ id }) => store.calls.get(id)));
      assert.equal(stored.filter((record) => record !== undefined).length, 1);
    });

    it("fire once for a time, also after they were removed and set again", async () => {
      await set();
      await fire([{ at: NOON, call: scheduled() }]);
      await store.timers.remove("report");
      await set();
      const again = scheduled();
      assert.equal(await fire([{ at: NOON, call: again }]), true);
      assert.equal(await store.calls.get(again.id), undefined);
      assert.deepEqual(await outcomes(), ["fired"]);
    });

    it("skip a firing while a call of an earlier one is live, if asked", async () => {
      await set();
      const [first, second, third] = [scheduled(), scheduled(), scheduled()];
      await fire([{ at: NOON, call: first, unlessLive: true }]);
      const later = { dueAt: NOON + HOUR_MS, next: { dueAt: NOON + 2 * HOUR_MS, delayMs: 0 } };
      await fire([{ at: NOON + HOUR_MS, call: second, unlessLive: true }], later);
      assert.equal(await store.calls.get(second.id), undefined);
      await store.calls.cancel(first.id, NOON);
      const last = { dueAt: NOON + 2 * HOUR_MS, next: { dueAt: undefined, delayMs: 0 } };
      await fire([{ at: NOON + 2 * HOUR_MS, call: third, unlessLive: true }], last);
      assert.deepEqual(await outcomes(), ["fired", "skipped", "fired"]);
      assert.equal((await firings())[1]!.call, undefined);
    });

    it("skip all but one of several firings at once, if asked", async () => {
      await set();
      await fire([NOON - 2, NOON - 1, NOON].map((at) => ({ at, call: scheduled(), unlessLive: true })));
      assert.deepEqual(await outcomes(), ["skipped", "skipped", "fired"]);
    });

    it("record what they missed", async () => {
      await set();
      await fire([{ at: NOON, outcome: "missed" }]);
      assert.deepEqual(await firings(), [{ at: NOON, firedAt: NOON + 5, outcome: "missed" }]);
    });

    it("can still fire a time that they missed, and record no time as missed that they fired", async () => {
      await set();
      await fire([{ at: NOON, outcome: "missed" }], { next: { dueAt: NOON, delayMs: 0 } });
      await fire([{ at: NOON, call: scheduled() }], { next: { dueAt: NOON, delayMs: 0 } });
      await fire([{ at: NOON, outcome: "missed" }]);
      const [firing, ...others] = await firings();
      assert.deepEqual(others, []);
      assert.equal(firing?.outcome, "fired");
      const calls = await store.calls.list({ limit: 10 });
      assert.deepEqual(
        calls.map(({ id }) => id),
        [firing.call],
      );
    });

    it("keep the last 1,000 firings, page by page, and those of 30 days", async () => {
      await set();
      const times = Array.from({ length: 1_005 }, (_, at) => NOON + at);
      await fire(times.map((at) => ({ at, outcome: "missed" })));
      const kept = await firings(2_000);
      assert.deepEqual([kept.length, kept[0]!.at, kept.at(-1)!.at], [1_000, NOON + 1_004, NOON + 5]);
      assert.deepEqual(
        (await firings(2, NOON + 7)).map(({ at }) => at),
        [NOON + 6, NOON + 5],
      );
      const removeOld = (later: number) => store.removeOld(new Date(NOON + 5 + 30 * 24 * HOUR_MS + later));
      assert.equal(await removeOld(0), false);
      assert.equal((await firings(2_000)).length, 1_000);
      assert.equal(await removeOld(1), true);
      assert.equal(await removeOld(1), false);
      assert.deepEqual(await firings(), []);
    });
  });
}
