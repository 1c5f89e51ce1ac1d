import assert from "node:assert/strict";
import type { Signal } from "../../../../platform/flows/run/signal.ts";
import { idsOf } from "../calls/new-call.ts";
import { Engine, NOON, newRun, type RunsHarness, type RunsStore } from "./new-run.ts";

const PAUSE: Signal = { kind: "pause", by: "token" };

/** Registers the tests of claims and signals. */
export function engines(harness: RunsHarness): void {
  describe("engines of runs", () => {
    let store: RunsStore;
    let engine: Engine;
    beforeEach(async () => {
      store = await harness.open();
      engine = new Engine(store);
    });
    afterEach(() => harness.dispose());

    const signal = (...runs: readonly string[]) =>
      store.runs.signal(
        runs.map((run) => ({ run, signal: PAUSE })),
        engine.now,
      );
    const waiting = async (owner = engine.owner) => await store.runs.signals(owner, 100);

    it("claim what is due, oldest first, after their first beat", async () => {
      const runs = [1, 2, 3].map((second) => newRun({ acceptedAt: NOON + second }));
      await engine.create(...runs.toReversed());
      engine.now = NOON + 2;
      const request = { owner: engine.owner, now: engine.now, limit: 1 };
      assert.deepEqual((await store.runs.claim(request)).runs, []);
      await store.runs.beat(engine.owner, NOON);
      const first = await store.runs.claim(request);
      assert.deepEqual([idsOf(first.runs), first.isMore], [[runs[0]!.id], true]);
      const second = await store.runs.claim(request);
      assert.deepEqual([idsOf(second.runs), second.isMore], [[runs[1]!.id], false]);
      assert.equal(second.nextDueAt, NOON + 3);
      assert.deepEqual(await store.runs.claim(request), {
        runs: [],
        forsaken: new Set(),
        nextDueAt: NOON + 3,
        isMore: false,
      });
    });

    it("release runs until their time", async () => {
      const run = await engine.begin();
      await engine.release(run, { status: "waits for 10 s", wakeAt: NOON + 10_000 });
      assert.deepEqual(await store.runs.beats(), []);
      const nothing = { runs: [], forsaken: new Set(), nextDueAt: NOON + 10_000, isMore: false };
      assert.deepEqual(await store.runs.claim({ owner: "host/1", now: NOON, limit: 9 }), nothing);
      assert.equal(await engine.append({ ...run, sequence: 2 }), "lost");
      engine.now += 10_000;
      const [again] = await engine.claim();
      assert.deepEqual([again!.state, again!.sequence], ["waiting", 2]);
    });

    it("get a run that rests for ever when somebody signals it", async () => {
      const run = await engine.begin();
      await engine.release(run);
      engine.now += 3_600_000;
      assert.deepEqual(await engine.claim(), []);
      assert.deepEqual(await signal(run.id, newRun().id), [true, false]);
      assert.deepEqual(idsOf(await engine.claim()), [run.id]);
      assert.deepEqual(await waiting(), [{ id: (await waiting())[0]!.id, run: run.id, signal: PAUSE }]);
    });

    it("see the signals of their runs, in order, until an append takes them", async () => {
      const [a, b] = [await engine.begin(), await engine.begin()];
      const other = new Engine(store, "host/2");
      await other.begin();
      await signal(b.id, a.id, b.id);
      const signals = await waiting();
      assert.deepEqual(
        signals.map(({ run }) => run),
        [b.id, a.id, b.id],
      );
      assert.deepEqual(await waiting("host/2"), []);
      await engine.append(b, { taken: [signals[0]!.id] });
      assert.deepEqual(await waiting(), signals.slice(1));
      assert.deepEqual(await store.runs.signals(engine.owner, 1), signals.slice(1, 2));
    });

    it("get a run back at once that was signalled while they released it", async () => {
      const run = await engine.begin();
      await signal(run.id);
      await engine.release(run, { wakeAt: NOON + 10_000 });
      assert.deepEqual(idsOf(await engine.claim()), [run.id]);
    });

    it("leave no signals behind when a run ends", async () => {
      const run = await engine.begin();
      await signal(run.id);
      await engine.end(run);
      assert.deepEqual(await signal(run.id), [false]);
      const again = { run: run.id, signal: { kind: "retry", by: "token" } } as const;
      assert.equal(await store.runs.reopen(again, NOON), true);
      await engine.claim();
      assert.deepEqual(
        (await waiting()).map((each) => each.signal),
        [again.signal],
      );
    });

    it("signal other runs with an append, also those that nobody has", async () => {
      const parent = await engine.begin();
      await engine.release(parent);
      const run = await engine.begin();
      const ended = await engine.begin();
      await engine.end(ended);
      const signals = [parent, ended, run].map(({ id }) => ({ run: id, signal: PAUSE }));
      await engine.append(run, { signals });
      assert.deepEqual(idsOf(await engine.claim()), [parent.id]);
      assert.deepEqual(
        (await waiting()).map((each) => each.run),
        [parent.id, run.id],
      );
    });

    it("lose their runs when they are silent, and cannot write to them any more", async () => {
      const runs = [await engine.begin(), await engine.begin()];
      const other = new Engine(store, "host/2");
      await other.begin();
      const beats = await store.runs.beats();
      assert.deepEqual(beats.map(({ owner }) => owner).sort(), ["host/1", "host/2"]);
      await other.runs.beat("host/2", NOON + 1);
      const free = (limit: number) => store.runs.free({ of: beats, now: NOON, limit });
      assert.deepEqual([await free(1), await free(10), await free(10)], [1, 1, 0]);
      assert.equal(await engine.append(runs[0]!), "lost");
      assert.deepEqual(idsOf(await other.claim()).sort(), idsOf(runs).sort());
    });

    it("are freed by the beginning of their names, or all", async () => {
      for (const owner of ["host/1", "host/2", "host2/1"]) await new Engine(store, owner).begin();
      const free = (of: { prefix: string } | "all") => store.runs.free({ of, now: NOON, limit: 10 });
      assert.deepEqual([await free({ prefix: "host/" }), await free("all"), await free("all")], [2, 1, 0]);
    });

    it("give back what they claimed without knowing it", async () => {
      const [known, lost] = [await engine.begin(), await engine.begin()];
      const beat = (later: number) => store.runs.beat(engine.owner, NOON + later, [known.id]);
      assert.equal(await beat(60_000), 0);
      assert.equal(await beat(60_001), 1);
      assert.equal(await engine.append(lost), "lost");
      assert.equal(await engine.append(known), "stored");
    });

    it("share runs that become due at the same time", async () => {
      const runs = Array.from({ length: 40 }, () => newRun());
      await engine.create(...runs);
      const all = Array.from({ length: 4 }, (_, place) => new Engine(store, `host/${place}`));
      const claimed = await Promise.all(all.map((each) => each.claim(10)));
      const ids = claimed.flatMap(idsOf);
      assert.equal(new Set(ids).size, ids.length);
      for (const each of all) ids.push(...idsOf(await each.claim()));
      assert.deepEqual(ids.sort(), idsOf(runs).sort());
    });
  });
}
