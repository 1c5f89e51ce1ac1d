import assert from "node:assert/strict";
import type { Harness } from "../subject.ts";
import { type CallsStore, idsOf, NOON, newCall, Worker } from "./new-call.ts";

/** Registers the tests of which call comes next. */
export function queues(harness: Harness<CallsStore>): void {
  describe("queues of calls", () => {
    let store: CallsStore;
    let worker: Worker;
    beforeEach(async () => {
      store = await harness.open();
      worker = new Worker(store);
    });
    afterEach(() => harness.dispose());

    const queuesOf = (calls: readonly { readonly queue: string }[]) =>
      Object.fromEntries(
        [...Map.groupBy(calls, ({ queue }) => queue)].map(([queue, { length }]) => [queue, length]),
      );

    it("give higher priorities first, then what was due first", async () => {
      const low = newCall({ priority: -9 });
      const high = newCall({ priority: 9 });
      const later = newCall({ dueAt: NOON - 1 });
      const sooner = newCall({ dueAt: NOON - 2 });
      await worker.enqueue(low, later, sooner, high);
      const order: string[] = [];
      for (let call = 0; call < 4; call++) order.push(...idsOf(await worker.lease({ limit: 1 })));
      assert.deepEqual(order, idsOf([high, sooner, later, low]));
    });

    it("keep calls until they are due", async () => {
      const [soon, now] = await worker.enqueue(newCall({ dueAt: NOON + 2 }), newCall());
      await worker.enqueue(newCall({ dueAt: NOON + 60_000 }));
      const first = await worker.leased();
      assert.deepEqual(idsOf(first.calls), [now]);
      assert.equal(first.nextDueAt, NOON + 2);
      worker.now = NOON + 2;
      const second = await worker.leased();
      assert.deepEqual(idsOf(second.calls), [soon]);
      assert.equal(second.nextDueAt, NOON + 60_000);
    });

    it("take turns, however many calls one of them has", async () => {
      await worker.enqueue(...Array.from({ length: 300 }, () => newCall({ queue: "fn/a" })));
      await worker.enqueue(
        newCall({ queue: "fn/b" }),
        newCall({ queue: "fn/c" }),
        newCall({ queue: "fn/c" }),
      );
      const { calls, isMore } = await worker.leased({ limit: 10 });
      assert.deepEqual(queuesOf(calls), { "fn/a": 7, "fn/b": 1, "fn/c": 2 });
      assert.ok(isMore);
    });

    it("take turns also when there are more of them than room", async () => {
      const names = ["fn/a", "fn/b", "fn/c", "fn/d"];
      await worker.enqueue(
        ...names.flatMap((queue) =>
          Array.from({ length: 5 }, () => newCall({ queue, target: { function: queue } })),
        ),
      );
      const running: Record<string, number> = {};
      for (let call = 0; call < 8; call++) {
        const [leased] = await worker.lease({ limit: 1, running });
        running[leased!.queue] = (running[leased!.queue] ?? 0) + 1;
      }
      assert.deepEqual(running, { "fn/a": 2, "fn/b": 2, "fn/c": 2, "fn/d": 2 });
    });

    it("are left alone when the worker runs enough of them, or wants none of them", async () => {
      await worker.enqueue(...Array.from({ length: 5 }, () => newCall({ queue: "fn/a" })));
      await worker.enqueue(newCall({ queue: "fn/b" }), newCall({ queue: "fn/c" }));
      const first = await worker.leased({ perQueue: 3, running: { "fn/a": 1 }, except: ["fn/b"] });
      assert.deepEqual(queuesOf(first.calls), { "fn/a": 2, "fn/c": 1 });
      assert.ok(first.isMore);
      const second = await worker.leased({ perQueue: 3, running: { "fn/a": 3 }, except: ["fn/b"] });
      assert.deepEqual(second.calls, []);
      const third = await worker.leased();
      assert.deepEqual(queuesOf(third.calls), { "fn/a": 3, "fn/b": 1 });
      assert.equal(third.isMore, false);
    });

    it("come in turn whatever their bounds are", async () => {
      for (const queue of ["fn/a", "fn/b", "fn/c"]) {
        await worker.enqueue(...Array.from({ length: 3 }, () => newCall({ queue })));
      }
      const request = { running: { "fn/a": 1, "fn/b": 1 }, most: { "fn/c": 1 } };
      const [first] = await worker.lease({ ...request, limit: 1 });
      assert.equal(first!.queue, "fn/c");
      const second = await worker.leased({ running: { ...request.running, "fn/c": 1 }, most: request.most });
      assert.deepEqual(queuesOf(second.calls), { "fn/a": 3, "fn/b": 3 });
      assert.ok(second.isMore);
    });

    it("are full at their bound, each by itself, until calls end", async () => {
      const enqueue = (count: number, queue = "fn/a") =>
        store.calls.enqueue(
          Array.from({ length: count }, () => newCall({ queue })),
          { now: NOON, mostLive: 3 },
        );
      const outcomes = await enqueue(5);
      assert.deepEqual(
        outcomes.map((outcome) => "refused" in outcome && outcome.refused),
        [false, false, false, "full", "full"],
      );
      assert.ok("id" in (await enqueue(1, "fn/b"))[0]!);
      assert.deepEqual(await enqueue(1), [{ refused: "full" }]);
      const call = (await worker.lease()).find(({ queue }) => queue === "fn/a");
      await worker.done(call!);
      const isFull = (await enqueue(2)).map((outcome) => "refused" in outcome);
      assert.deepEqual(isFull, [false, true]);
    });

    it("give calls of one order key one at a time, in order, over retries and delays", async () => {
      const [a1, a2, b1, a3] = ["a", "a", "b", "a"].map((orderKey) => newCall({ orderKey, dueAt: NOON }));
      const delayed = newCall({ orderKey: "a", dueAt: NOON + 500, priority: 9 });
      const free = newCall();
      await worker.enqueue(a1!, a2!, b1!, a3!, free);
      await worker.enqueue(delayed, newCall({ orderKey: "a", queue: "fn/other" }));
      const first = await worker.lease();
      assert.deepEqual(
        new Set(idsOf(first.filter(({ queue }) => queue === "fn/hello"))),
        new Set(idsOf([a1!, b1!, free])),
      );
      const leasedA = first.find(({ id }) => id === a1!.id)!;
      await worker.settle([worker.settlement(leasedA, { state: "waiting", dueAt: NOON + 100 }, 503)]);
      assert.deepEqual(await worker.lease(), []);
      worker.now = NOON + 100;
      const order: string[] = [];
      for (let call = 0; call < 3; call++) {
        const [next, ...others] = await worker.lease();
        assert.deepEqual(others, []);
        order.push(next!.id);
        await worker.done(next!);
      }
      assert.deepEqual(order, idsOf([a1!, a2!, a3!]));
      assert.deepEqual(await worker.leased(), { calls: [], nextDueAt: NOON + 500, isMore: false });
      worker.now = NOON + 500;
      assert.deepEqual(idsOf(await worker.lease()), [delayed.id]);
    });

    it("store a repeated request once, and refuse another one with its key", async () => {
      const idempotency = { scope: "fn/hello", key: "order 1", fingerprint: "1" };
      const first = newCall({ idempotency });
      const repeated = newCall({ idempotency });
      const other = newCall({ idempotency: { ...idempotency, fingerprint: "2" } });
      const elsewhere = newCall({ idempotency: { ...idempotency, scope: "fn/other", fingerprint: "2" } });
      const enqueue = (mostLive: number) =>
        store.calls.enqueue(
          [first, repeated, other, elsewhere].map((call) => ({ ...call, id: newCall().id })),
          {
            now: NOON,
            mostLive,
          },
        );
      const [full] = await enqueue(0);
      assert.deepEqual(full, { refused: "full" });
      const once = await enqueue(10);
      const [kept] = once as [{ id: string; isNew: boolean }];
      const again = { id: kept.id, isNew: false };
      assert.deepEqual(once.slice(0, 3), [{ ...again, isNew: true }, again, { refused: "reused" }]);
      assert.ok("id" in once[3]! && once[3].id !== kept.id);
      assert.deepEqual((await enqueue(1)).slice(0, 3), [again, again, { refused: "reused" }]);
      assert.equal((await worker.lease()).length, 2);
    });

    it("keep scopes and keys apart that only look alike together", async () => {
      const enqueue = () =>
        store.calls.enqueue(
          [
            newCall({ idempotency: { scope: "fn/apart", key: "kabc x", fingerprint: "1" } }),
            newCall({ idempotency: { scope: "fn/apart kabc", key: "x", fingerprint: "2" } }),
          ],
          { now: NOON, mostLive: 100 },
        );
      const first = await enqueue();
      const ids = first.map((each) => ("id" in each ? each.id : each.refused));
      assert.equal(new Set(ids).size, 2, ids.join());
      assert.deepEqual(
        await enqueue(),
        ids.map((id) => ({ id, isNew: false })),
      );
    });

    it("store a request once that comes many times at once", async () => {
      const idempotency = { scope: "fn/hello", key: "1", fingerprint: "1" };
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, () =>
          store.calls.enqueue([newCall({ idempotency })], { now: NOON, mostLive: 100 }),
        ),
      );
      const ids = new Set(outcomes.map(([outcome]) => (outcome as { id: string }).id));
      assert.equal(ids.size, 1);
      assert.equal(outcomes.filter(([outcome]) => (outcome as { isNew: boolean }).isNew).length, 1);
      assert.deepEqual(idsOf(await worker.lease()), [...ids]);
    });
  });
}
