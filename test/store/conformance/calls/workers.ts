import assert from "node:assert/strict";
import type { Harness } from "../subject.ts";
import { type CallsStore, idsOf, NOON, newCall, Worker } from "./new-call.ts";

/** Registers the tests of who owns a call. */
export function workers(harness: Harness<CallsStore>): void {
  describe("workers of calls", () => {
    let store: CallsStore;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    it("never get the same call", async () => {
      const all = Array.from({ length: 300 }, (_, place) => newCall({ queue: `fn/${place % 3}` }));
      const workers = [1, 2, 3, 4].map((number) => new Worker(store, `worker-${number}`));
      await workers[0]!.enqueue(...all);
      const leased: string[] = [];
      const drain = async (worker: Worker) => {
        for (let empty = 0; empty < 3; ) {
          const calls = await worker.lease({ limit: 7 });
          leased.push(...idsOf(calls));
          await worker.done(...calls);
          if (calls.length === 0) empty++;
        }
      };
      await Promise.all(workers.map(drain));
      assert.deepEqual(leased.toSorted(), idsOf(all).toSorted());
    });

    it("lease nothing before their first beat", async () => {
      await new Worker(store).enqueue(newCall());
      const request = { owner: "worker-9", now: NOON, limit: 1, perQueue: 1, running: {}, except: [] };
      assert.deepEqual((await store.calls.lease(request)).calls, []);
      assert.equal(await store.calls.beat("worker-9", NOON), true);
      assert.equal((await store.calls.lease(request)).calls.length, 1);
    });

    it("lose their calls without a beat, each with a failed attempt, and are told once", async () => {
      const slow = new Worker(store, "slow");
      const other = new Worker(store, "other");
      await slow.enqueue(newCall(), newCall(), newCall());
      const calls = await slow.lease();
      const reclaim = (limit: number, deadBefore: number) =>
        store.calls.reclaim({ deadBefore, now: NOON + 50, limit });
      assert.equal(await reclaim(10, NOON), 0);
      assert.equal(await reclaim(2, NOON + 1), 2);
      other.now = NOON + 50;
      const taken = await other.lease();
      assert.deepEqual(idsOf(taken).length, 2);
      assert.deepEqual(
        taken.map(({ attempt, attemptOfRound, epoch }) => [attempt, attemptOfRound, epoch]),
        [
          [2, 2, 2],
          [2, 2, 2],
        ],
      );
      const { attempts } = (await store.calls.get(taken[0]!.id))!;
      const error = "The worker that ran this attempt stopped before it had the outcome.";
      assert.deepEqual(attempts, [{ number: 1, startedAt: NOON, endedAt: NOON + 50, error }]);

      const request = { owner: "slow", now: NOON + 50, limit: 10, perQueue: 10, running: {}, except: [] };
      assert.deepEqual((await store.calls.lease(request)).calls, [], "a lost worker gets no calls");
      assert.equal(await store.calls.beat("slow", NOON + 50), false);
      assert.deepEqual(await slow.done(...calls), [false, false, false]);
      assert.equal(await store.calls.beat("slow", NOON + 50), true);
      assert.equal(
        (await store.calls.lease(request)).calls.length,
        1,
        "what was not taken away yet is free too",
      );
      assert.equal(await reclaim(10, NOON + 50), 0);
    });

    it("give back leases that they never got, after a minute, without an attempt", async () => {
      const worker = new Worker(store);
      const [known, lost] = await worker.enqueue(newCall(), newCall());
      await worker.lease();
      assert.equal(await store.calls.beat("worker-1", NOON + 60_000, [known!]), true);
      const other = new Worker(store, "other");
      other.now = NOON + 60_001;
      assert.deepEqual(await other.lease(), []);
      assert.equal(await store.calls.beat("worker-1", NOON + 60_001, [known!]), true);
      const [again, ...others] = await other.lease();
      assert.deepEqual([again!.id, again!.attempt, again!.epoch, others], [lost, 1, 2, []]);
    });

    it("give back what they have when they leave", async () => {
      const leaving = new Worker(store, "leaving");
      const [id] = await leaving.enqueue(newCall());
      const [first] = await leaving.lease();
      await store.calls.leave("leaving", NOON);
      assert.deepEqual(await leaving.done(first!), [false]);
      const [again] = await new Worker(store, "other").lease();
      assert.deepEqual([again!.id, again!.attempt, again!.epoch], [id, 1, 2]);
    });
  });
}
