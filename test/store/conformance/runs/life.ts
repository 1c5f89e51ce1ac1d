import assert from "node:assert/strict";
import type { Append } from "../../../../store/flows/runs.ts";
import { idsOf, newCall } from "../calls/new-call.ts";
import { event } from "../events.ts";
import { Engine, idOrRefusal, NOON, newRun, type RunsHarness, type RunsStore, started } from "./new-run.ts";

/** Registers the tests of how a run lives and ends. */
export function life(harness: RunsHarness): void {
  describe("a run", () => {
    let store: RunsStore;
    let engine: Engine;
    beforeEach(async () => {
      store = await harness.open();
      engine = new Engine(store);
    });
    afterEach(() => harness.dispose());

    it("is stored whole, claimed once, appended to, and ends", async () => {
      const parent = { run: newRun().id, step: "ship", item: 2, attempt: 1 };
      const given = newRun({ version: 7, by: "key a", keyId: "k1", parent });
      assert.deepEqual(await engine.create(given), [given.id]);
      const { begun, bodies, acceptedAt, ...head } = given;
      const record = { ...head, acceptedAt, changedAt: NOON, sequence: 1, state: "queued" };
      assert.deepEqual(await store.runs.get(given.id), record);
      assert.deepEqual(await engine.claim(), [record]);
      assert.deepEqual(await engine.claim(), []);
      assert.deepEqual(await store.runs.entries(given.id, 0, 10), [begun]);

      engine.now += 5;
      const row = { state: "retrying", step: "check", status: "retries check", wakeAt: NOON + 9 } as const;
      const entries = [started("check"), started("pay")];
      assert.equal(await engine.append({ ...record, sequence: 1 }, { entries, row }), "stored");
      const retrying = { ...record, ...row, changedAt: NOON + 5, sequence: 3 };
      assert.deepEqual(await store.runs.get(given.id), retrying);
      assert.deepEqual(await store.runs.entries(given.id, 0, 10), [begun, ...entries]);

      engine.now += 5;
      const error = { type: "timeout", message: "Too late." };
      const failed = { state: "failed", step: "check", error, endedAt: NOON + 10 } as const;
      const end = { kind: "ended", at: NOON + 10, state: "failed", step: "check", error } as const;
      assert.equal(
        await engine.append({ ...record, sequence: 3 }, { entries: [end], row: failed }),
        "stored",
      );
      assert.deepEqual(await store.runs.get(given.id), {
        ...{ ...record, ...failed },
        ...{ changedAt: NOON + 10, sequence: 4 },
      });
      assert.deepEqual(await store.runs.entries(given.id, 0, 10), [begun, ...entries, end]);
      assert.equal(await engine.append({ ...record, sequence: 4 }), "lost");
      assert.deepEqual(await engine.claim(), []);
    });

    it("that nobody made is unknown", async () => {
      const run = { id: newRun().id, sequence: 1 };
      assert.equal(await store.runs.get(run.id), undefined);
      assert.deepEqual(await store.runs.entries(run.id, 0, 10), []);
      assert.equal(await store.runs.checkpoint(run.id), undefined);
      assert.equal(await engine.append(run), "lost");
    });

    it("outlives the program", async () => {
      const run = await engine.begin();
      await engine.append(run);
      store = await harness.reopen(store);
      assert.equal(await new Engine(store).append({ ...run, sequence: 2 }), "stored");
    });

    it("can be had by an engine from its beginning, with what that decided", async () => {
      await store.runs.beat("host/1", NOON);
      const row = { state: "running", step: "check" } as const;
      const given = newRun({ owned: { owner: "host/1", entries: [started("check")], row } });
      await engine.create(given);
      assert.deepEqual(await engine.claim(), []);
      assert.equal((await store.runs.get(given.id))!.state, "running");
      assert.deepEqual(await store.runs.entries(given.id, 0, 10), [given.begun, started("check")]);
      assert.equal(await engine.append({ ...given, sequence: 2 }), "stored");
      assert.deepEqual((await store.runs.beats())[0], { owner: "host/1", beatAt: NOON });
    });

    it("keeps its entries in order, and gives any part of them", async () => {
      const run = await engine.begin();
      const entries = Array.from({ length: 20 }, (_, place) => started(`step${place}`));
      let sequence = 1;
      for (const count of [3, 1, 7, 9]) {
        const chunk = entries.slice(sequence - 1, sequence - 1 + count);
        assert.equal(await engine.append({ id: run.id, sequence }, { entries: chunk }), "stored");
        sequence += count;
      }
      const all = await store.runs.entries(run.id, 0, 100);
      assert.deepEqual(all.slice(1), entries);
      for (let after = 0; after <= 21; after++)
        for (const limit of [1, 2, 5, 30])
          assert.deepEqual(
            await store.runs.entries(run.id, after, limit),
            all.slice(after, after + limit),
            `${after}`,
          );
    });

    it("takes appends of its owner alone, in their order, and each once", async () => {
      const run = await engine.begin();
      const other = new Engine(store, "host/2");
      assert.equal(await other.append(run), "lost");
      assert.equal(await engine.append({ ...run, sequence: 2 }), "lost");
      const [first, wrong, second] = await Promise.all([
        engine.append(run, { entries: [started("a")] }),
        engine.append(run, { entries: [started("b")] }),
        engine.append({ ...run, sequence: 2 }, { entries: [started("c")] }),
      ]);
      assert.deepEqual([first, wrong, second], ["stored", "lost", "stored"]);
      const steps = (await store.runs.entries(run.id, 1, 10)).map((entry) => "step" in entry && entry.step);
      assert.deepEqual(steps, ["a", "c"]);
    });

    it("answers an append that was stored already as stored, and stores nothing twice", async () => {
      const run = await engine.begin();
      const child = newRun();
      const append: Partial<Append> = {
        ...{ entries: [started("a")], runs: [child], events: [event()] },
        calls: [newCall()],
      };
      for (let time = 0; time < 2; time++) assert.equal(await engine.append(run, append), "stored");
      assert.equal((await store.topics.stats())[0]!.end, 1);
      assert.equal((await store.calls.list({ limit: 10 })).length, 1);
      const end = { id: run.id, sequence: 2 };
      for (let time = 0; time < 2; time++) assert.equal(await engine.end(end), "stored");
      assert.equal((await store.runs.totals())[0]!.ended.done, 1);
    });

    it("does not take equal entries of another engine for those of the one that lost it", async () => {
      const run = await engine.begin();
      await store.runs.free({ of: "all", now: NOON, limit: 1 });
      const other = new Engine(store, "host/2");
      await other.claim();
      assert.equal(await other.append(run), "stored");
      assert.equal(await engine.append(run), "lost");
      assert.equal(await other.append(run), "stored");
      assert.equal((await store.runs.entries(run.id, 0, 9)).length, 2);
    });

    it("stores all that belongs to an append, or nothing", async () => {
      const run = await engine.begin();
      const child = newRun({ flow: "ship", parent: { run: run.id, step: "ship", attempt: 1 } });
      const call = newCall();
      const append: Partial<Append> = {
        ...{ runs: [child], events: [event({ id: "e1" })], calls: [call], checkpoint: '{"a":1}' },
        signals: [{ run: child.id, signal: { kind: "pause", by: "token" } }],
      };
      assert.equal(await engine.append({ ...run, sequence: 9 }, append), "lost");
      assert.equal(await store.runs.get(child.id), undefined);
      assert.equal(await store.runs.checkpoint(run.id), undefined);
      assert.deepEqual(await store.calls.list({ limit: 10 }), []);
      assert.deepEqual(await store.topics.stats(), []);

      assert.equal(await engine.append(run, append), "stored");
      assert.deepEqual(await store.runs.checkpoint(run.id), { sequence: 2, state: '{"a":1}' });
      assert.deepEqual(idsOf(await store.calls.list({ limit: 10 })), [call.id]);
      assert.deepEqual(
        (await store.topics.read("orders", 0, 10)).map(({ id }) => id),
        ["e1"],
      );
      assert.deepEqual(idsOf(await engine.claim()), [child.id]);
      assert.deepEqual(
        (await store.runs.signals(engine.owner, 10)).map((signal) => signal.run),
        [child.id],
      );
      await engine.append({ ...run, sequence: 2 }, { checkpoint: '{"a":2}' });
      assert.deepEqual(await store.runs.checkpoint(run.id), { sequence: 3, state: '{"a":2}' });
    });

    it("is refused beyond the bound of its flow alone", async () => {
      const create = async (...flows: readonly string[]) => {
        const runs = flows.map((flow) => newRun({ flow }));
        const outcomes = await store.runs.create(runs, { now: NOON, mostLive: 2 });
        return outcomes.map((outcome) => ("id" in outcome ? "new" : outcome.refused));
      };
      assert.deepEqual(await create("a", "b", "a", "a"), ["new", "new", "new", "full"]);
      assert.deepEqual(await create("a"), ["full"]);
      for (const run of await engine.claim()) await engine.end(run);
      assert.deepEqual(await create("a", "b"), ["new", "new"]);
    });

    it("is created once for an idempotency key, and not for another request", async () => {
      const once = (fingerprint: string, key = "k") =>
        newRun({ idempotency: { scope: "flow/order", key, fingerprint } });
      const [first, second] = [once("f"), once("f")];
      const options = { now: NOON, mostLive: 10 };
      const outcomes = await store.runs.create([first, second, once("g")], options);
      assert.deepEqual(outcomes, [
        { id: first.id, isNew: true },
        { id: first.id, isNew: false },
        { refused: "reused" },
      ]);
      assert.deepEqual((await store.runs.create([once("f"), once("g")], options)).map(idOrRefusal), [
        first.id,
        "reused",
      ]);
      const races = await Promise.all([1, 2, 3].map(() => store.runs.create([once("f", "race")], options)));
      assert.equal(races.flat().filter((outcome) => "isNew" in outcome && outcome.isNew).length, 1);
      assert.equal((await engine.claim()).length, 2);
    });
  });
}
