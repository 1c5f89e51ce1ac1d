import assert from "node:assert/strict";
import type { CallState, NewCall } from "../../../../store/call.ts";
import type { CallFilter } from "../../../../store/calls.ts";
import type { Harness } from "../subject.ts";
import { type CallsStore, idsOf, NOON, newCall, Worker } from "./new-call.ts";

/** Registers the tests of reading and changing calls. */
export function records(harness: Harness<CallsStore>): void {
  describe("records of calls", () => {
    let store: CallsStore;
    let worker: Worker;
    beforeEach(async () => {
      store = await harness.open();
      worker = new Worker(store);
    });
    afterEach(() => harness.dispose());

    const list = async (query: CallFilter & { after?: string; limit?: number } = {}) =>
      idsOf(await store.calls.list({ limit: 100, ...query }));
    /** Calls at one second after the other. */
    const at = (second: number, of: Partial<NewCall> = {}) =>
      newCall({ acceptedAt: NOON + second * 1_000, dueAt: NOON, ...of });
    const dieAll = async () => {
      const calls = await worker.lease();
      await worker.settle(
        calls.map((call) => worker.settlement(call, { state: "dead", reason: "It answered 400." }, 400)),
      );
    };

    it("are listed newest first, in pages, over live and ended ones", async () => {
      const calls = [1, 2, 3, 4, 5].map((second) => at(second, { priority: -second }));
      await worker.enqueue(...calls);
      await worker.done(...(await worker.lease({ limit: 2 })));
      const newest = idsOf(calls).toReversed();
      assert.deepEqual(await list(), newest);
      assert.deepEqual(await list({ limit: 2 }), newest.slice(0, 2));
      assert.deepEqual(await list({ limit: 2, after: newest[1]! }), newest.slice(2, 4));
      assert.deepEqual(await list({ limit: 2, after: newest[4]! }), []);
    });

    it("have no bodies where nobody reads them", async () => {
      const body = { inline: Buffer.from("four") };
      const [id] = await worker.enqueue(
        newCall({ request: { method: "POST", path: "/", headers: ["a", "b"], body } }),
      );
      const request = { method: "POST", path: "/", headers: ["a", "b"], body: { bytes: 4 } };
      const check = async () => {
        const head = (await store.calls.head(id!))!;
        assert.deepEqual(head.request, request);
        assert.deepEqual(await store.calls.list({ limit: 1 }), [head]);
        return head;
      };
      await check();
      const [call] = await worker.lease();
      assert.deepEqual(await check(), { ...(await store.calls.get(id!))!, request });
      const answer = { status: 200, headers: [], body, isCut: false };
      await worker.settle([worker.settlement(call!, { state: "done", answer })]);
      assert.deepEqual(await check(), {
        ...(await store.calls.get(id!))!,
        request,
        answer: { ...answer, body: { bytes: 4 } },
      });
      assert.equal(await store.calls.head(newCall().id), undefined);
    });

    it("are filtered by everything at once", async () => {
      const delivery = { topic: "t", group: "g", position: 1, event: "e" };
      const calls = {
        plain: at(1, { keyId: "k1" }),
        other: at(2, { queue: "fn/other" }),
        scheduled: at(3, { origin: { kind: "schedule", name: "report", at: NOON } }),
        delivered: at(4, {
          queue: "sub/a",
          target: { function: "hello" },
          origin: { kind: "subscription", name: "a", ...delivery },
        }),
      };
      await worker.enqueue(...Object.values(calls));
      const expect = async (query: CallFilter, names: readonly (keyof typeof calls)[]) =>
        assert.deepEqual(await list(query), names.map((name) => calls[name].id).toReversed());
      const all = ["plain", "other", "scheduled", "delivered"] as const;
      const check = async (states: readonly CallState[]) => {
        for (const filter of [{}, { states }]) {
          await expect(filter, all);
          await expect({ ...filter, queue: "fn/other" }, ["other"]);
          await expect({ ...filter, queue: "fn/hello" }, ["plain", "scheduled"]);
          await expect({ ...filter, queue: "sub/a" }, ["delivered"]);
          await expect({ ...filter, functions: ["hello"] }, ["plain", "scheduled", "delivered"]);
          await expect({ ...filter, functions: ["hello", "other"], keyId: "k1" }, ["plain"]);
          await expect({ ...filter, functions: [] }, []);
          await expect({ ...filter, id: calls.other.id }, ["other"]);
          await expect({ ...filter, origin: { kind: "schedule", name: "report" } }, ["scheduled"]);
          await expect({ ...filter, origin: { kind: "subscription", name: "report" } }, []);
          await expect({ ...filter, acceptedSince: NOON + 2_000, acceptedUntil: NOON + 4_000 }, [
            "other",
            "scheduled",
          ]);
        }
      };
      await check(["waiting"]);
      assert.deepEqual(await list({ states: ["running", "dead"] }), []);
      const leased = await worker.lease();
      await check(["running"]);
      await worker.settle(leased.map((call) => worker.settlement(call, { state: "dead", reason: "no" })));
      await check(["dead"]);
      assert.deepEqual(await list({ states: ["waiting", "done"] }), []);
    });

    it("say that a waiting call was cancelled, and what runs or ended is not", async () => {
      const [running, delayed, unrecorded] = await worker.enqueue(
        at(1),
        at(2, { dueAt: NOON + 60_000 }),
        at(3, { dueAt: NOON + 60_000, keepsRecord: false }),
      );
      const [call] = await worker.lease();
      assert.equal(call!.id, running);
      assert.equal(await store.calls.cancel(running!, NOON), "running");
      assert.equal(await store.calls.cancel(delayed!, NOON + 5), "cancelled");
      assert.equal(await store.calls.cancel(delayed!, NOON + 9), "cancelled");
      assert.equal(await store.calls.cancel(unrecorded!, NOON), "cancelled");
      assert.equal(await store.calls.cancel(unrecorded!, NOON), undefined);
      await worker.done(call!);
      assert.equal(await store.calls.cancel(running!, NOON), "done");
      const record = await store.calls.get(delayed!);
      assert.deepEqual([record!.state, record!.endedAt, record!.attempts], ["cancelled", NOON + 5, []]);
      worker.now = NOON + 60_000;
      assert.deepEqual(await worker.lease(), []);
    });

    it("are cancelled many at once, and let the next of their order key go", async () => {
      const keyed = [1, 2, 3].map((second) => at(second, { orderKey: "a" }));
      await worker.enqueue(...keyed, at(4, { queue: "fn/other" }), at(5, { queue: "fn/other" }));
      const cancelSome = (limit: number) =>
        store.calls.cancelAll({ queue: "fn/other" }, { now: NOON, limit });
      assert.deepEqual(await cancelSome(1), { count: 1, isMore: true });
      assert.deepEqual(await cancelSome(9), { count: 1, isMore: false });
      await store.calls.cancel(keyed[0]!.id, NOON);
      assert.deepEqual(idsOf(await worker.lease()), [keyed[1]!.id]);
      await store.calls.cancel(keyed[2]!.id, NOON);
      assert.deepEqual(await worker.lease(), []);
    });

    it("of dead calls are made to wait again, with all attempts anew", async () => {
      const calls = [1, 2, 3].map((second) => at(second));
      await worker.enqueue(...calls);
      await dieAll();
      worker.now = NOON + 5_000;
      const again = { now: worker.now, limit: 2 };
      assert.deepEqual(await store.calls.retry({ states: ["dead"] }, again), idsOf(calls).slice(0, 2));
      const [first, second, ...others] = await worker.lease();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [first!.attempt, first!.attemptOfRound, first!.roundAt, first!.epoch, first!.acceptedAt],
        [2, 1, NOON + 5_000, 2, calls[0]!.acceptedAt],
      );
      await worker.done(first!, second!);
      const record = (await store.calls.get(first!.id))!;
      assert.equal(record.state, "done");
      assert.equal(record.reason, undefined);
      assert.deepEqual(
        record.attempts.map(({ number }) => number),
        [1, 2],
      );
      assert.deepEqual(await store.calls.retry({ id: first!.id }, again), []);
      assert.deepEqual(await store.calls.retry({ states: ["done"] }, again), [calls[2]!.id]);
    });

    it("of dead calls go behind the others of their order key", async () => {
      const [dead, blocker] = [at(1, { orderKey: "a" }), at(2, { orderKey: "a" })];
      await worker.enqueue(dead);
      await dieAll();
      await worker.enqueue(blocker);
      await store.calls.retry({}, { now: NOON, limit: 1 });
      const [first, ...others] = await worker.lease();
      assert.deepEqual([first!.id, others], [blocker.id, []]);
      await worker.done(first!);
      assert.deepEqual(idsOf(await worker.lease()), [dead.id]);
    });

    it("are purged as far as they ended", async () => {
      await worker.enqueue(at(1), at(2), at(3), at(4, { dueAt: NOON + 60_000 }));
      await dieAll();
      assert.equal(await store.calls.purge({ states: ["done", "waiting"] }, 10), 0);
      assert.equal(await store.calls.purge({ queue: "fn/hello" }, 2), 2);
      assert.equal(await store.calls.purge({}, 10), 1);
      assert.equal((await list()).length, 1);
    });

    it("take their idempotency keys with them when they are purged", async () => {
      const idempotency = { scope: "fn/hello", key: "1", fingerprint: "1" };
      const other = { ...idempotency, key: "2" };
      const calls = [at(1, { idempotency }), at(2, { idempotency: other, dueAt: NOON + 60_000 }), at(3)];
      await worker.enqueue(...calls);
      await worker.done(...(await worker.lease()));
      assert.equal(await store.calls.live(["fn/hello"]), 1);
      assert.equal(await store.calls.purge({ states: ["done"] }, 10), 2);
      const anew = newCall({ idempotency });
      assert.deepEqual(await worker.enqueue(anew), [anew.id]);
      const [repeated] = await store.calls.enqueue([newCall({ idempotency: other })], {
        now: NOON,
        mostLive: 9,
      });
      assert.deepEqual(repeated, { id: calls[1]!.id, isNew: false });
    });

    it("and idempotency keys are removed when they are old, those of live calls are not", async () => {
      const idempotency = { scope: "fn/hello", key: "1", fingerprint: "1" };
      const calls = [at(1, { idempotency }), at(2), at(3, { dueAt: NOON + 60_000 })];
      await worker.enqueue(...calls);
      await worker.done(...(await worker.lease()));
      assert.equal(await store.calls.removeOld(NOON), false);
      assert.deepEqual(await list(), idsOf(calls).toReversed());
      assert.equal(await store.calls.removeOld(NOON + 1), false);
      assert.deepEqual(await list(), [calls[2]!.id]);
      const anew = newCall({ idempotency });
      assert.deepEqual(await worker.enqueue(anew), [anew.id]);
    });
  });
}
