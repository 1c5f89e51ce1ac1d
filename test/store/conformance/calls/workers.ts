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
      assert.equal((await store.calls.beat("worker-9", NOON)).isHeld, true);
      assert.equal((await store.calls.lease(request)).calls.length, 1);
    });

    it("lose their calls without a beat, each with a failed attempt, and are told once", async () => {
      const slow = new Worker(store, "slow");
      const other = new Worker(store, "other");
      await slow.enqueue(newCall(), newCall(), newCall());
      const calls = await slow.lease();
      assert.deepEqual(await store.calls.beats(), [{ owner: "slow", beatAt: NOON }]);
      const reclaim = (limit: number, beatAt = NOON) =>
        store.calls.reclaim({ silent: [{ owner: "slow", beatAt }], now: NOON + 50, limit });
      assert.equal(await reclaim(10, NOON - 1), 0, "it has beaten since");
      assert.equal(await reclaim(2), 2);
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
      assert.deepEqual(await store.calls.beat("slow", NOON + 50), { isHeld: false, givenBack: 1 });
      assert.deepEqual(await slow.done(...calls), [false, false, false]);
      assert.deepEqual(await store.calls.beat("slow", NOON + 50), { isHeld: true, givenBack: 0 });
      assert.equal(
        (await store.calls.lease(request)).calls.length,
        1,
        "what was not taken away yet is free too",
      );
      assert.equal(await reclaim(10), 0);
    });

    it("give back leases that they never got, after a minute, without an attempt", async () => {
      const worker = new Worker(store);
      const [known, lost] = await worker.enqueue(newCall(), newCall());
      await worker.lease();
      const held = { running: [known!], dropped: [] };
      const beat = (now: number) => store.calls.beat("worker-1", now, held);
      assert.deepEqual(await beat(NOON + 60_000), { isHeld: true, givenBack: 0 });
      const other = new Worker(store, "other");
      other.now = NOON + 60_001;
      assert.deepEqual(await other.lease(), []);
      assert.deepEqual(await beat(NOON + 60_001), { isHeld: true, givenBack: 1 });
      const [again, ...others] = await other.lease();
      assert.deepEqual([again!.id, again!.attempt, again!.epoch, others], [lost, 1, 2, []]);
    });

    it("give back what ran and cannot be settled, with a failed attempt", async () => {
      const worker = new Worker(store);
      await worker.enqueue(newCall());
      const [first] = await worker.lease();
      const dropped = [{ id: first!.id, epoch: first!.epoch }];
      const beat = (now: number, running: string[]) =>
        store.calls.beat("worker-1", now, { running, dropped });
      assert.deepEqual(await beat(NOON + 9, []), { isHeld: true, givenBack: 1 });
      assert.deepEqual(await worker.done(first!), [false]);
      worker.now = NOON + 20;
      const [again] = await worker.lease();
      assert.deepEqual([again!.attempt, again!.attemptOfRound, again!.epoch], [2, 2, 2]);
      // What is said of the earlier lease has no effect on this one.
      assert.deepEqual(await beat(NOON + 30, [again!.id]), { isHeld: true, givenBack: 0 });
      assert.deepEqual(await worker.done(again!), [true]);
      const { attempts } = (await store.calls.get(first!.id))!;
      const error = "What became of this attempt could not be stored.";
      assert.deepEqual(attempts[0], { number: 1, startedAt: NOON, endedAt: NOON + 9, error });
    });

    it("count the attempts of calls that began when they leave", async () => {
      const leaving = new Worker(store, "leaving");
      await leaving.enqueue(newCall({ queue: "fn/a" }), newCall({ queue: "fn/b" }));
      const [begun, other] = await leaving.lease();
      await store.calls.leave("leaving", NOON, [{ id: begun!.id, epoch: begun!.epoch }]);
      const again = await new Worker(store, "other").lease();
      const attempts = new Map(again.map(({ id, attempt }) => [id, attempt]));
      assert.deepEqual([attempts.get(begun!.id), attempts.get(other!.id)], [2, 1]);
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
