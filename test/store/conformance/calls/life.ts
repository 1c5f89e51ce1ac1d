import assert from "node:assert/strict";
import type { Harness } from "../subject.ts";
import { type CallsStore, idsOf, NOON, newCall, Worker } from "./new-call.ts";

/** Registers the tests of how a call lives and ends. */
export function life(harness: Harness<CallsStore>): void {
  describe("a call", () => {
    let store: CallsStore;
    let worker: Worker;
    beforeEach(async () => {
      store = await harness.open();
      worker = new Worker(store);
    });
    afterEach(() => harness.dispose());

    it("that is a delivery counts its age from its first lease", async () => {
      const event = { name: "s", topic: "t", group: "s", position: 1, event: "e" };
      const delivery = newCall({ queue: "sub/s", origin: { kind: "subscription", ...event } });
      await worker.enqueue(delivery);
      worker.now += 1_000;
      const [first] = await worker.lease();
      assert.equal(first!.roundAt, NOON + 1_000);
      const again = { state: "waiting", dueAt: worker.now } as const;
      await worker.settle([worker.settlement(first!, again, 503)]);
      worker.now += 1_000;
      const [second] = await worker.lease();
      assert.deepEqual([second!.attempt, second!.roundAt], [2, NOON + 1_000]);
    });

    it("is stored whole, leased once, and leaves a record with its answer", async () => {
      const body = { inline: new Uint8Array([0, 1, 2, 255]) };
      const call = newCall({
        request: { method: "PUT", path: "/a?b=c", headers: ["x-a", "ä", "x-a", "2"], body },
        callback: "https://example.com/done",
        keyId: "k1",
        traceparent: "00-1-2-01",
        tracestate: "a=b",
        priority: 3,
        orderKey: "customer 1",
      });
      assert.deepEqual(await worker.enqueue(call), [call.id]);
      const [leased, ...others] = await worker.lease();
      assert.deepEqual(others, []);
      assert.deepEqual(leased, { ...call, epoch: 1, attempt: 1, attemptOfRound: 1, roundAt: NOON });
      assert.deepEqual(await worker.lease(), []);

      const { keepsRecord, ...request } = call;
      const running = await store.calls.get(call.id);
      assert.deepEqual(running, { ...request, state: "running", attempts: [], runningSince: NOON });
      const answer = { status: 201, headers: ["content-type", "text/plain"], body, isCut: true };
      worker.now += 10;
      const settlement = worker.settlement(leased!, { state: "done", answer }, 201);
      assert.deepEqual(await worker.settle([settlement]), [true]);
      const { attempt } = settlement;
      const done = { ...request, state: "done", attempts: [attempt], endedAt: NOON + 10, answer };
      assert.deepEqual(await store.calls.get(call.id), done);
      assert.deepEqual(await worker.lease(), []);
    });

    it("that nobody made is unknown", async () => {
      assert.equal(await store.calls.get(newCall().id), undefined);
    });

    it("outlives the program", async () => {
      const [id] = await worker.enqueue(newCall());
      store = await harness.reopen(store);
      assert.deepEqual(idsOf(await new Worker(store).lease()), [id]);
    });

    it("is run again when its attempt failed, with the next number", async () => {
      await worker.enqueue(newCall());
      const [first] = await worker.lease();
      await worker.settle([worker.settlement(first!, { state: "waiting", dueAt: NOON + 1_000 }, 503)]);
      assert.deepEqual(await worker.leased(), { calls: [], nextDueAt: NOON + 1_000, isMore: false });
      worker.now = NOON + 1_000;
      const [second] = await worker.lease();
      assert.equal(second!.attempt, 2);
      assert.equal(second!.attemptOfRound, 2);
      assert.equal(second!.epoch, 2);
      await worker.settle([worker.settlement(second!, { state: "dead", reason: "It answered 503." }, 503)]);
      const record = await store.calls.get(second!.id);
      assert.equal(record!.state, "dead");
      assert.equal(record!.reason, "It answered 503.");
      assert.deepEqual(
        record!.attempts.map(({ number, status }) => [number, status]),
        [
          [1, 503],
          [2, 503],
        ],
      );
    });

    it("that Skiff refused keeps the number of its attempt", async () => {
      await worker.enqueue(newCall());
      const [first] = await worker.lease();
      const { attempt, ...refused } = worker.settlement(first!, { state: "waiting", dueAt: NOON });
      await worker.settle([refused]);
      const [second] = await worker.lease();
      assert.deepEqual([second!.attempt, second!.attemptOfRound, second!.epoch], [1, 1, 2]);
      assert.deepEqual((await store.calls.get(second!.id))!.attempts, []);
    });

    it("is settled by its lease alone", async () => {
      await worker.enqueue(newCall());
      const [first] = await worker.lease();
      const other = { ...worker.settlement(first!, { state: "done" }), owner: "worker-2" };
      const waiting = worker.settlement(first!, { state: "waiting", dueAt: NOON });
      assert.deepEqual(await worker.settle([other, waiting, waiting]), [false, true, false]);
      const [second] = await worker.lease();
      const late = worker.settlement(first!, { state: "done" });
      const unknown = { ...late, id: newCall().id };
      assert.deepEqual(await worker.settle([late, unknown]), [false, false]);
      assert.equal((await store.calls.get(second!.id))!.state, "running");
      assert.deepEqual(await worker.done(second!), [true]);
    });

    it("leaves no record when it is done and needs none, and one when it is dead", async () => {
      await worker.enqueue(newCall({ keepsRecord: false }), newCall({ keepsRecord: false }));
      const [first, second] = await worker.lease();
      await worker.done(first!);
      await worker.settle([worker.settlement(second!, { state: "dead", reason: "It answered 400." }, 400)]);
      assert.equal(await store.calls.get(first!.id), undefined);
      assert.equal((await store.calls.get(second!.id))!.state, "dead");
    });

    it("can have another one stored with its end, for a callback", async () => {
      await worker.enqueue(newCall());
      const [call] = await worker.lease();
      const callback = newCall({
        queue: "callback",
        target: { url: "https://example.com/done" },
        origin: { kind: "callback", call: call!.id },
      });
      const settlement = { ...worker.settlement(call!, { state: "done" }), calls: [callback] };
      assert.deepEqual(await worker.settle([settlement, settlement]), [true, false]);
      assert.deepEqual(idsOf(await worker.lease()), [callback.id]);
    });
  });
}
