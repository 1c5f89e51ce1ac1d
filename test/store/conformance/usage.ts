import assert from "node:assert/strict";
import type { TracedCall } from "../../../platform/usage/exchange.ts";
import { HISTORY_DAYS } from "../../../store/sql/retention.ts";
import type { UsageBatch, UsageHour, UsageMinute, UsageSample } from "../../../store/store.ts";
import type { Harness, History } from "./subject.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOON = new Date("2026-05-31T12:00:00Z");

const at = (hours: number) => new Date(NOON.getTime() + hours * HOUR_MS);

function hour(of: Partial<UsageHour>): UsageHour {
  const used = { calls: 1, errors: 0, gbSeconds: 0.5, bytesOut: 100 };
  return { hour: NOON, function: "hello", version: 1, key: "", ...used, ...of };
}

function batch(sequence: number, of: Partial<UsageBatch> = {}): UsageBatch {
  return { source: "router-1", sequence, hours: [], minutes: [], keys: [], ...of };
}

/** Registers the tests of UsageLedger. */
export function usage(harness: Harness<History>): void {
  describe("usage", () => {
    let store: History;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const sum = (of: Partial<Parameters<History["usage"]["sum"]>[0]> = {}) =>
      store.usage.sum({ from: at(-24), to: at(24), by: [], ...of });
    const calls = async () => (await sum())[0]!.calls;

    it("is zero before anything was counted", async () => {
      assert.deepEqual(await sum(), [{ calls: 0, errors: 0, gbSeconds: 0, bytesOut: 0 }]);
      assert.deepEqual(await sum({ by: ["function"] }), []);
      assert.deepEqual(await store.usage.month(NOON), { functions: {}, keys: {} });
      assert.deepEqual([...(await store.usage.lastUse())], []);
      assert.deepEqual(await store.usage.minutes("hello", NOON), []);
    });

    it("adds up batches of one hour, and of rows that a batch has twice", async () => {
      await store.usage.add([batch(1, { hours: [hour({ calls: 3, errors: 1 }), hour({ calls: 2 })] })]);
      await store.usage.add([batch(2, { hours: [hour({ calls: 5, bytesOut: 2 ** 40 })] })]);
      assert.deepEqual(await sum({ by: ["function", "version", "key", "hour"] }), [
        {
          function: "hello",
          version: 1,
          key: "",
          hour: NOON,
          calls: 10,
          errors: 1,
          gbSeconds: 1.5,
          bytesOut: 2 ** 40 + 200,
        },
      ]);
    });

    it("has at most as many rows as are wanted", async () => {
      const hours = ["a", "b", "c"].map((name) => hour({ function: name }));
      await store.usage.add([batch(1, { hours })]);
      const rows = await sum({ by: ["function"], limit: 2 });
      assert.deepEqual(
        rows.map((row) => row.function),
        ["a", "b"],
      );
    });

    it("counts a repeated batch once, also of several at a time and after it was reopened", async () => {
      const first = batch(1, { hours: [hour({ calls: 3 })] });
      await store.usage.add([first]);
      await store.usage.add([first, batch(2, { hours: [hour({ calls: 4 })] })]);
      const other = await harness.reopen(store);
      await other.usage.add([first, batch(2, { hours: [hour({ calls: 4 })] })]);
      await other.usage.add([batch(1, { source: "router-2", hours: [hour({ calls: 10 })] })]);
      assert.equal((await other.usage.sum({ from: at(-1), to: at(1), by: [] }))[0]!.calls, 17);
    });

    it("adds all of many batches that are written at the same time, each once", async () => {
      const batches = Array.from({ length: 40 }, (_, index) =>
        batch(1, { source: `router-${index % 20}`, hours: [hour({ function: `f${index % 3}`, calls: 1 })] }),
      );
      await Promise.all(batches.map((each) => store.usage.add([each])));
      assert.equal(await calls(), 20);
    });

    it("takes a batch with more rows than one statement", async () => {
      const hours = Array.from({ length: 1_001 }, (_, version) => hour({ version: version + 1 }));
      await store.usage.add([batch(1, { hours })]);
      assert.equal(await calls(), 1_001);
      assert.equal((await sum({ by: ["version"] })).length, 1_001);
    });

    it("groups by the columns in their order, and filters", async () => {
      await store.usage.add([
        batch(1, {
          hours: [
            hour({ function: "b", key: "k1", calls: 1 }),
            hour({ function: "b", key: "", version: 2, calls: 2 }),
            hour({ function: "Z", key: "k1", hour: at(1), calls: 4 }),
          ],
        }),
      ]);
      const grouped = async (of: Parameters<typeof sum>[0]) =>
        (await sum(of)).map(({ errors, gbSeconds, bytesOut, ...rest }) => rest);
      assert.deepEqual(await grouped({ by: ["function", "version"] }), [
        { function: "Z", version: 1, calls: 4 },
        { function: "b", version: 1, calls: 1 },
        { function: "b", version: 2, calls: 2 },
      ]);
      assert.deepEqual(await grouped({ by: ["key"] }), [
        { key: "", calls: 2 },
        { key: "k1", calls: 5 },
      ]);
      assert.deepEqual(await grouped({ by: ["hour"], key: "k1" }), [
        { hour: NOON, calls: 1 },
        { hour: at(1), calls: 4 },
      ]);
      assert.deepEqual(await grouped({ function: "b" }), [{ calls: 3 }]);
    });

    it("rounds `from` and `to` down to hours and excludes `to`", async () => {
      await store.usage.add([batch(1, { hours: [hour({}), hour({ hour: at(1) }), hour({ hour: at(2) })] })]);
      const hours = await sum({ from: at(0.9), to: at(2.9), by: ["hour"] });
      assert.deepEqual(
        hours.map((each) => each.hour),
        [NOON, at(1)],
      );
    });

    it("has the calls of a month (UTC) by function and by key", async () => {
      const lastHour = new Date("2026-05-31T23:00:00Z");
      await store.usage.add([
        batch(1, {
          hours: [
            hour({ hour: lastHour, calls: 2, key: "k1" }),
            hour({ hour: lastHour, calls: 3 }),
            hour({ hour: at(12), calls: 7, key: "k1" }),
          ],
        }),
      ]);
      const may = { functions: { hello: 5 }, keys: { k1: 2 } };
      assert.deepEqual(await store.usage.month(new Date("2026-05-01T00:00:00Z")), may);
      assert.deepEqual(await store.usage.month(new Date("2026-05-31T23:59:59.999Z")), may);
      const june = { functions: { hello: 7 }, keys: { k1: 7 } };
      assert.deepEqual(await store.usage.month(new Date("2026-06-01T00:00:00Z")), june);
    });

    it("has the latest use of a key", async () => {
      const keys = [
        { key: "a", usedAt: at(1) },
        { key: "a", usedAt: at(3) },
        { key: "b", usedAt: at(0) },
      ];
      await store.usage.add([batch(1, { keys })]);
      await store.usage.add([batch(2, { keys: [{ key: "a", usedAt: at(2) }] })]);
      assert.deepEqual(Object.fromEntries(await store.usage.lastUse()), { a: at(3), b: at(0) });
    });

    describe("of minutes", () => {
      let now: number;
      beforeEach(() => {
        now = Math.floor(Date.now() / 60_000) * 60_000;
      });
      const minute = (of: Partial<UsageMinute>, ago = 1): UsageMinute => ({
        minute: new Date(now - ago * 60_000),
        function: "hello",
        version: 1,
        calls: 3,
        errors: 1,
        durations: [0, 2, 1],
        ...of,
      });
      const since = (ago: number) => new Date(now - ago * 60_000);

      it("are summed with their durations, oldest first, and begin with `since`", async () => {
        await store.usage.add([
          batch(1, { minutes: [minute({}), minute({}, 5), minute({ version: 2 }), minute({}, 9)] }),
          batch(1, { source: "router-2", minutes: [minute({ durations: [1, 0, 2] })] }),
          batch(2, {
            minutes: [minute({ function: "other" }), minute({ calls: 0, errors: 0, durations: [0, 0, 0] })],
          }),
        ]);
        assert.deepEqual(await store.usage.minutes("hello", since(5)), [
          minute({}, 5),
          minute({ calls: 6, errors: 2, durations: [1, 2, 3] }),
          minute({ version: 2 }),
        ]);
      });

      it("are summed by function, version and step", async () => {
        const from = Math.floor((now - 600_000) / 120_000) * 120_000;
        const at = (minutes: number, of: Partial<UsageMinute> = {}) =>
          minute({ minute: new Date(from + minutes * 60_000), ...of });
        await store.usage.add([
          batch(1, {
            minutes: [
              ...[at(0), at(1, { durations: [1, 0, 2] }), at(1, { version: 2 }), at(2), at(4)],
              ...[at(1, { function: "other" }), at(0, { function: "another" })],
            ],
          }),
        ]);
        const functions = ["hello", "other", "none"];
        const [since, until] = [new Date(from), new Date(from + 240_000)];
        const same = {
          ...{ function: "hello", version: 1, calls: 3, errors: 1, durations: [0, 2, 1] },
          ...{ coldStarts: 0, refused: 0, wakeMs: {} },
        };
        assert.deepEqual(await store.usage.series({ functions, since, until, stepMs: 120_000 }), [
          { ...same, from: since, calls: 6, errors: 2, durations: [1, 2, 3] },
          { ...same, from: since, version: 2 },
          { ...same, from: new Date(from + 120_000) },
          { ...same, from: since, function: "other" },
        ]);
      });

      it("count cold starts with their steps, and refusals", async () => {
        const [first, second] = [
          { coldStarts: 1, wakeMs: { start: 40.5 } },
          { refused: 2, coldStarts: 2 },
        ];
        await store.usage.add([batch(1, { minutes: [minute(first), minute({ ...second, version: 2 })] })]);
        const more = { coldStarts: 1, wakeMs: { start: 9.5, load: 1 } };
        await store.usage.add([batch(2, { minutes: [minute({ ...more, calls: 0, errors: 0 })] })]);
        const range = { since: since(2), until: since(0), stepMs: 60_000 };
        const steps = await store.usage.series({ functions: ["hello"], ...range });
        assert.deepEqual(
          steps.map(({ calls, coldStarts, refused, wakeMs }) => ({ calls, coldStarts, refused, wakeMs })),
          [
            { calls: 3, coldStarts: 2, refused: 0, wakeMs: { start: 50, load: 1 } },
            { calls: 3, coldStarts: 2, refused: 2, wakeMs: {} },
          ],
        );
      });

      it("have the largest samples of instances and memory", async () => {
        const sample = (seconds: number, of: Partial<UsageSample> = {}): UsageSample => ({
          ...{ at: new Date(now - 120_000 + seconds * 1_000), function: "hello", instances: 1, ...of },
        });
        await store.usage.sample([]);
        await store.usage.sample([sample(0, { memoryMiB: 20.5 }), sample(0, { function: "other" })]);
        await store.usage.sample([sample(15, { instances: 3 })]);
        await store.usage.sample([sample(30, { memoryMiB: 12 })]);
        await store.usage.sample([sample(70, { instances: 0 })]);
        const range = { since: since(2), until: since(0), stepMs: 60_000 };
        assert.deepEqual(await store.usage.samples({ functions: ["hello"], ...range }), [
          { from: since(2), function: "hello", instances: 3, memoryMiB: 20.5 },
          { from: since(1), function: "hello", instances: 0 },
        ]);
        const both = {
          ...range,
          since: new Date(Math.floor((now - 120_000) / 600_000) * 600_000),
          stepMs: 600_000,
        };
        const [all] = await store.usage.samples({ functions: ["hello"], ...both });
        assert.equal(all!.instances, 3);
      });

      it("are there for 25 hours", async () => {
        const kept = minute({}, 25 * 60 - 2);
        const wakeMs = { start: 1 };
        const added = [minute({ wakeMs }, 25 * 60 + 1), { ...kept, wakeMs }, minute({}, 2_000)];
        await store.usage.add([batch(1, { minutes: added })]);
        await store.usage.sample([{ at: new Date(now), function: "hello", instances: 1 }]);
        assert.deepEqual(await store.usage.minutes("hello", since(3_000)), [kept]);
        await removeAll(new Date(now + 26 * HOUR_MS));
        assert.deepEqual(await store.usage.minutes("hello", since(3_000)), []);
        const range = { functions: ["hello"], since: since(3_000), until: since(-1), stepMs: 60_000 };
        assert.deepEqual([await store.usage.series(range), await store.usage.samples(range)], [[], []]);
      });
    });

    it("keeps where the time of some calls went, for a day and the newest of them", async () => {
      const traced = (callId: string, ago: number): TracedCall => ({
        ...{ atMs: Date.now() - ago * HOUR_MS, callId, function: "hello", version: 1, instance: "i" },
        ...{ status: 500, durationMs: 12.5, waitedMs: 2, wake: [{ name: "start", durationMs: 2 }], run: "r" },
      });
      const [old, fresh] = [traced("a", 25), traced("b", 1)];
      await store.usage.add([batch(1, { traced: [old, fresh] })]);
      await store.usage.add([batch(1, { traced: [traced("c", 0)] })]);
      assert.deepEqual(await store.usage.trace("b"), fresh);
      assert.equal(await store.usage.trace("c"), undefined, "a repeated batch");
      await removeAll(new Date());
      assert.deepEqual([await store.usage.trace("a"), await store.usage.trace("b")], [undefined, fresh]);
    });

    it(`is removed after ${HISTORY_DAYS} days, hour by hour`, async () => {
      const keys = [{ key: "a", usedAt: NOON }];
      await store.usage.add([
        batch(1, { hours: [hour({}), hour({ hour: at(1) }), hour({ hour: at(5) })], keys }),
      ]);
      await removeAll(new Date(NOON.getTime() + HISTORY_DAYS * DAY_MS + 2 * HOUR_MS));
      assert.deepEqual(
        (await sum({ by: ["hour"] })).map((each) => each.hour),
        [at(5)],
      );
      assert.deepEqual([...(await store.usage.lastUse())], []);
      await removeAll(new Date(NOON.getTime() + (HISTORY_DAYS + 40) * DAY_MS));
      assert.deepEqual(await store.usage.month(NOON), { functions: {}, keys: {} });
    });

    it("is there after it was closed, and closed answers `draining`", async () => {
      await store.usage.add([batch(1, { hours: [hour({ calls: 3 })] })]);
      await store.close();
      await assert.rejects(calls(), { code: "draining" });
      store = await harness.reopen(store);
      assert.equal(await calls(), 3);
    });

    async function removeAll(when: Date): Promise<void> {
      for (let batch = 0; await store.removeOld(when); batch++) assert.ok(batch < 100, "it ends");
    }
  });
}
