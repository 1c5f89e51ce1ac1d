import assert from "node:assert/strict";
import type { RunState } from "../../../../platform/flows/run/error.ts";
import type { NewRun, RunQuery } from "../../../../store/flows/runs.ts";
import { idsOf } from "../calls/new-call.ts";
import { Engine, NOON, newRun, type RunsHarness, type RunsStore } from "./new-run.ts";

const HOUR_MS = 3_600_000;

async function* parts(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(70_000);
}

/** Registers the tests of reading and removing runs. */
export function records(harness: RunsHarness): void {
  describe("records of runs", () => {
    let store: RunsStore;
    let engine: Engine;
    beforeEach(async () => {
      store = await harness.open();
      engine = new Engine(store);
    });
    afterEach(() => harness.dispose());

    /** Runs at one second after the other, of which the second half ended. */
    const history = async (
      states: readonly RunState[],
      of: (place: number) => Partial<NewRun> = () => ({}),
    ) => {
      const given = states.map((_, place) => newRun({ acceptedAt: NOON + place * 1_000, ...of(place) }));
      await engine.create(...given);
      engine.now = NOON + HOUR_MS;
      const claimed = await engine.claim(1_000);
      await Promise.all(
        claimed.map((run, place) => {
          const state = states[place]!;
          const hasEnded = ["done", "failed", "cancelled"].includes(state);
          return hasEnded ? engine.end(run, state) : engine.append(run, { row: { state } });
        }),
      );
      return idsOf(given);
    };
    const list = async (query: Partial<RunQuery> = {}) =>
      idsOf(await store.runs.list({ limit: 100, ...query }));

    it("are listed newest first, in pages, by everything at once", async () => {
      const states = ["done", "running", "failed", "waiting", "done", "queued", "cancelled"] as const;
      const parent = { run: newRun().id, step: "ship", attempt: 1 };
      const ids = await history(states, (place) => ({
        flow: place % 2 === 0 ? "even" : "odd",
        ...(place > 4 && { parent }),
      }));
      const expect = async (query: Partial<RunQuery>, places: readonly number[]) =>
        assert.deepEqual(
          await list(query),
          places.map((place) => ids[place]!),
          JSON.stringify(query),
        );
      await expect({}, [6, 5, 4, 3, 2, 1, 0]);
      await expect({ limit: 2 }, [6, 5]);
      await expect({ limit: 3, after: ids[5]! }, [4, 3, 2]);
      await expect({ after: ids[0]! }, []);
      await expect({ flow: "odd" }, [5, 3, 1]);
      await expect({ flow: "none" }, []);
      await expect({ states: ["done"] }, [4, 0]);
      await expect({ states: ["done", "running"], limit: 2 }, [4, 1]);
      await expect({ states: [] }, []);
      await expect({ flow: "even", states: ["failed", "waiting"] }, [2]);
      await expect({ parent: parent.run }, [6, 5]);
      await expect({ parent: parent.run, states: ["queued"] }, [5]);
      await expect({ acceptedSince: NOON + 2_000, acceptedUntil: NOON + 5_000 }, [4, 3, 2]);
    });

    it("have no headers of requests and no data of events", async () => {
      const request = { method: "POST", path: "/a", query: { b: "c" }, headers: { d: "e" } };
      const event = { id: "1", type: "t", data: { big: true } };
      const given = [
        newRun({ trigger: { kind: "http", request } }),
        newRun({ trigger: { kind: "topic", event } }),
      ];
      await engine.create(...given);
      assert.deepEqual((await store.runs.get(given[0]!.id))!.trigger, {
        kind: "http",
        request: { ...request, headers: {} },
      });
      const topic = (await store.runs.get(given[1]!.id))!.trigger;
      assert.deepEqual(topic, { kind: "topic", event: { id: "1", type: "t" } });
    });

    it("are counted by flow and state, also when they were removed or live again", async () => {
      const ids = await history(["done", "done", "failed", "waiting", "running", "queued"], (place) => ({
        flow: place === 0 ? "other" : "order",
      }));
      const live = { waiting: 1, running: 1, queued: 1 };
      const other = { flow: "other", live: {}, ended: { done: 1 } };
      assert.deepEqual(await store.runs.totals(), [
        { flow: "order", live, ended: { done: 1, failed: 1 } },
        other,
      ]);
      const retry = { run: ids[2]!, signal: { kind: "retry", by: "token" } } as const;
      assert.equal(await store.runs.reopen(retry, engine.now), true);
      assert.equal(await store.runs.remove(ids[1]!), true);
      assert.deepEqual(await store.runs.totals(), [
        { flow: "order", live: { ...live, queued: 2 }, ended: { done: 1, failed: 1 } },
        other,
      ]);
    });

    it("live again with their entries, for an engine that sees why", async () => {
      const [id] = await history(["failed"]);
      const before = (await store.runs.get(id!))!;
      const retry = { run: id!, signal: { kind: "retry", by: "token", from: "pay" } } as const;
      assert.equal(await store.runs.reopen(retry, engine.now + 5), true);
      assert.equal(await store.runs.reopen(retry, engine.now + 5), false);
      assert.equal(await store.runs.reopen({ ...retry, run: newRun().id }, engine.now), false);
      const { endedAt, ...head } = before;
      assert.deepEqual(await store.runs.get(id!), {
        ...{ ...head, state: "queued" },
        changedAt: engine.now + 5,
      });
      engine.now += 5;
      const [run] = await engine.claim();
      assert.equal(run!.sequence, 2);
      assert.deepEqual(
        (await store.runs.signals(engine.owner, 9)).map(({ signal }) => signal),
        [retry.signal],
      );
      assert.equal((await store.runs.entries(id!, 0, 10)).length, 2);
      assert.equal(await engine.append(run!), "stored");
      assert.equal(await engine.end({ id: run!.id, sequence: 3 }), "stored");
      assert.deepEqual(await list({ states: ["done"] }), [id]);
    });

    it("name live runs in which nothing happens although something should", async () => {
      const ids = await history(["running", "waiting", "queued", "paused", "retrying", "done"]);
      const stuck = async (owner: string, before: number, limit = 10) => {
        const { own, lost, due } = await store.runs.stuck({ owner, before, limit });
        return { own: idsOf(own), lost: idsOf(lost), due: idsOf(due) };
      };
      const none = { own: [], lost: [], due: [] };
      const { owner, now } = engine;
      assert.deepEqual(await stuck(owner, now), none);
      assert.deepEqual(await stuck(owner, now + 1), { ...none, own: [ids[0], ids[2]] });
      assert.deepEqual(await stuck(owner, now + 1, 1), { ...none, own: [ids[0]] });
      // Its owner lives, and may be in a long call.
      await store.runs.beat(owner, now + 9);
      assert.deepEqual(await stuck("other", now + 5), none);
      assert.deepEqual(await stuck("other", now + 10), { ...none, lost: ids.slice(0, 5) });
    });

    it("name live runs that nobody takes although their time has come", async () => {
      const [first, second] = [await engine.begin(), await engine.begin()];
      await engine.release(first, { state: "retrying", wakeAt: NOON + 5 });
      await engine.release(second, { state: "running" });
      const third = newRun({ acceptedAt: NOON + 3 });
      await engine.create(third);
      const stuck = async (before: number) => {
        const { due, lost } = await store.runs.stuck({ owner: "other", before, limit: 10 });
        return [idsOf(due), idsOf(lost)];
      };
      assert.deepEqual(await stuck(NOON), [[], []]);
      assert.deepEqual(await stuck(NOON + 5), [[third.id], [second.id]]);
      assert.deepEqual(await stuck(NOON + 6), [[third.id, first.id], [second.id]]);
    });

    it("are removed one by one when they ended, with their entries", async () => {
      const ids = await history(["done", "running"]);
      assert.equal(await store.runs.remove(ids[1]!), false);
      assert.equal(await store.runs.remove(ids[0]!), true);
      assert.equal(await store.runs.remove(ids[0]!), false);
      assert.deepEqual(
        [await store.runs.get(ids[0]!), await store.runs.entries(ids[0]!, 0, 9)],
        [undefined, []],
      );
      assert.equal((await store.runs.entries(ids[1]!, 0, 9)).length, 2);
    });

    it("are removed when they are old", async () => {
      const ids = await history(["done", "failed", "running"]);
      const removeOld = (before: number) => store.runs.removeOld({ before, most: 100 });
      assert.equal(await removeOld(engine.now), false);
      assert.deepEqual(await list(), ids.toReversed());
      assert.equal(await removeOld(engine.now + 1), false);
      assert.deepEqual(await list(), [ids[2]]);
    });

    it("are removed after 30 days without being asked", async () => {
      const ids = await history(["done", "running"]);
      const days = (count: number) => new Date(engine.now + count * 24 * HOUR_MS);
      await store.removeOld(days(30));
      assert.deepEqual(await list(), ids.toReversed());
      await store.removeOld(new Date(days(30).getTime() + 1));
      assert.deepEqual(await list(), [ids[1]]);
    });

    it("are removed beyond the newest of each flow, in batches", async () => {
      const ids = await history(
        Array.from({ length: 130 }, () => "done"),
        (place) => ({
          flow: place < 120 ? "order" : "other",
        }),
      );
      const removeOld = () => store.runs.removeOld({ before: 0, most: 10 });
      assert.deepEqual([await removeOld(), await removeOld(), await removeOld()], [true, false, false]);
      assert.deepEqual(await list({ limit: 200 }), ids.slice(110).toReversed());
    }).timeout(60_000);

    it("keep their bodies and their idempotency keys as long as they are kept", async () => {
      const [input, output] = [
        await store.bodies.write(parts(), 100_000),
        await store.bodies.write(parts(), 100_000),
      ];
      assert.ok("id" in input && "id" in output);
      const once = () => ({ scope: "flow/order", key: "k", fingerprint: "f" });
      engine.now = Date.now();
      const run = await engine.begin({
        acceptedAt: engine.now,
        bodies: [input.id, input.id],
        idempotency: once(),
      });
      await engine.append(run, { bodies: [output.id, input.id] });
      assert.equal(await engine.end({ id: run.id, sequence: 2 }), "stored");
      const isThere = async (body: typeof input) =>
        await Array.fromAsync(store.bodies.read(body)).then(
          () => true,
          () => false,
        );
      const sweep = async () => {
        while (await store.removeOld(new Date(Date.now() + 2 * HOUR_MS)));
        return [await isThere(input), await isThere(output)];
      };
      assert.deepEqual(await sweep(), [true, true]);
      const repeated = newRun({ idempotency: once() });
      assert.deepEqual(await engine.create(repeated), [run.id]);
      assert.equal(await store.runs.remove(run.id), true);
      assert.deepEqual(await sweep(), [false, false]);
      assert.deepEqual(await engine.create(repeated), [repeated.id]);
    });
  });
}
