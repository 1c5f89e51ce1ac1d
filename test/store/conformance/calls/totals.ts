import assert from "node:assert/strict";
import type { LeasedCall, QueueTotals } from "../../../../store/calls.ts";
import { seededRandom, testSeed } from "../../../support/seeded-random.ts";
import type { Harness } from "../subject.ts";
import { type CallsStore, NOON, newCall, Worker } from "./new-call.ts";

/** Each has up to 18 operations. */
const ROUNDS = Number(process.env.SKIFF_TEST_ROUNDS ?? 50);

/** Registers the tests of what is counted. */
export function totals(harness: Harness<CallsStore>): void {
  describe("totals of calls", () => {
    let store: CallsStore;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    it("say what became of the calls of each queue, and since when the oldest is due", async () => {
      const worker = new Worker(store);
      assert.deepEqual(await store.calls.totals(), []);
      await worker.enqueue(
        ...[0, -5_000, 9_000, -7_000].map((due, priority) => newCall({ dueAt: NOON + due, priority })),
        newCall({ queue: "fn/other", orderKey: "a" }),
        newCall({ queue: "fn/other", orderKey: "a" }),
      );
      const none = { waiting: 0, running: 0, done: 0, dead: 0, cancelled: 0, attempts: 0 };
      assert.deepEqual(await store.calls.totals(), [
        { queue: "fn/hello", ...none, accepted: 4, waiting: 4, oldestDueAt: NOON - 7_000 },
        { queue: "fn/other", ...none, accepted: 2, waiting: 2, oldestDueAt: NOON },
      ]);
      const [first, second] = await worker.lease({ limit: 2, except: ["fn/other"] });
      await worker.settle([worker.settlement(first!, { state: "dead", reason: "no" })]);
      await worker.settle([worker.settlement(second!, { state: "waiting", dueAt: NOON + 1 })]);
      await store.calls.retry({}, { now: NOON, limit: 1 });
      await worker.lease();
      assert.deepEqual(await store.calls.totals(), [
        { queue: "fn/hello", ...none, accepted: 4, waiting: 2, running: 2, attempts: 2 },
        { queue: "fn/other", ...none, accepted: 2, waiting: 1, running: 1 },
      ]);
    });

    it("say how many are dead now, also after they were retried, purged or removed for their age", async () => {
      const worker = new Worker(store);
      await worker.enqueue(newCall(), newCall(), newCall(), newCall());
      const calls = await worker.lease();
      await worker.settle(calls.map((call) => worker.settlement(call, { state: "dead", reason: "no" })));
      const counts = async () => {
        const [{ accepted, waiting, dead, cancelled }] = (await store.calls.totals()) as [QueueTotals];
        return { accepted, waiting, dead, cancelled };
      };
      const none = { accepted: 4, waiting: 0, cancelled: 0 };
      assert.deepEqual(await counts(), { ...none, dead: 4 });
      await store.calls.retry({}, { now: NOON, limit: 1 });
      assert.deepEqual(await counts(), { ...none, waiting: 1, dead: 3 });
      assert.equal(await store.calls.purge({ states: ["dead"] }, 1), 1);
      assert.deepEqual(await counts(), { ...none, waiting: 1, dead: 2, cancelled: 1 });
      await store.calls.removeOld(NOON + 1_000);
      assert.deepEqual(await counts(), { ...none, waiting: 1, dead: 0, cancelled: 3 });
    });

    it("add up after any mix of operations of three workers, and each order key ran in order", async function () {
      this.timeout(120_000);
      const random = seededRandom(testSeed());
      const pick = (count: number) => Math.floor(random() * count);
      const workers = [0, 1, 2].map((number) => new Worker(store, `worker-${number}`));
      const leased = workers.map((): LeasedCall[] => []);
      const sequences = new Map<string, number>();
      const ended = new Map<string, number>();
      let now = NOON;
      const operations: ((worker: Worker, own: LeasedCall[]) => Promise<unknown>)[] = [
        (worker) =>
          worker.enqueue(
            ...Array.from({ length: 1 + pick(8) }, () => {
              // Those of two programs that come at the same time have no order.
              const key = pick(3) === 0 ? `${worker.owner}-${pick(2)}` : "";
              const queue = `fn/${pick(3)}`;
              const sequence = (sequences.get(queue + key) ?? 0) + 1;
              sequences.set(queue + key, sequence);
              const request = {
                method: "POST",
                path: `/${sequence}`,
                headers: [],
                body: { inline: Buffer.from("x") },
              };
              return newCall({
                ...{ queue, request, orderKey: key, priority: pick(5) - 2, keepsRecord: pick(2) === 0 },
                ...{ acceptedAt: now, dueAt: now + (key === "" ? pick(50) : 0) },
              });
            }),
          ),
        async (worker, own) => own.push(...(await worker.lease({ limit: 1 + pick(10) }))),
        async (worker, own) => {
          const some = own.splice(0, 1 + pick(8));
          const states = ["done", "done", "done", "waiting", "dead"] as const;
          const settlements = some.map((call) => {
            const state = states[pick(states.length)]!;
            const outcome =
              state === "waiting"
                ? { state, dueAt: now + pick(20) }
                : state === "dead"
                  ? { state, reason: "no" }
                  : { state };
            return worker.settlement(call, outcome);
          });
          const held = await worker.settle(settlements);
          for (const [place, call] of some.entries()) {
            if (call.orderKey === "" || !held[place] || settlements[place]!.outcome.state === "waiting")
              continue;
            const sequence = Number(call.request.path.slice(1));
            const name = call.queue + call.orderKey;
            // Only a dead call that was retried may come late.
            if (call.attempt === call.attemptOfRound) assert.ok(sequence > (ended.get(name) ?? 0), name);
            ended.set(name, Math.max(sequence, ended.get(name) ?? 0));
          }
        },
        (worker) => worker.calls.cancelAll({ queue: `fn/${pick(3)}` }, { now, limit: 1 + pick(2) }),
        (worker) => worker.calls.retry({ functions: [`${pick(3)}`] }, { now, limit: 1 + pick(3) }),
        (worker) => worker.calls.purge({}, 1 + pick(3)),
        async (worker) => {
          const silent = (await worker.calls.beats()).filter(({ beatAt }) => beatAt < now - 40);
          await worker.calls.reclaim({ silent, now, limit: 1 + pick(5) });
        },
      ];
      const weights = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 4, 5, 6];
      for (let round = 0; round < ROUNDS; round++) {
        now += 1 + pick(10);
        await Promise.all(
          workers.map(async (worker, number) => {
            // Some are silent for a while, so that their calls are taken away.
            if ((round + number * 20) % 60 > 45) return;
            worker.now = now;
            if (!(await worker.calls.beat(worker.owner, now)).isHeld) leased[number] = [];
            for (let step = 0; step < 6; step++) {
              await operations[weights[pick(weights.length)]!]!(worker, leased[number]!);
            }
          }),
        );
        if (round % 25 === 0) await check();
      }
      await check();

      async function check(): Promise<void> {
        const all = await store.calls.list({ limit: 1_000_000, states: ["waiting", "running"] });
        for (const of of await store.calls.totals()) {
          const sum = of.waiting + of.running + of.done + of.dead + of.cancelled;
          assert.equal(of.accepted, sum, of.queue);
          const live = all.filter(({ queue }) => queue === of.queue);
          assert.equal(of.running, live.filter(({ state }) => state === "running").length);
          assert.equal(of.waiting, live.filter(({ state }) => state === "waiting").length);
          assert.ok(of.dead + of.cancelled > 0 || of.accepted < 50, `${of.queue}: ${JSON.stringify(of)}`);
        }
      }
    });
  });
}
