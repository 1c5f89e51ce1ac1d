import assert from "node:assert/strict";
import type { RunRecord } from "../../../../store/flows/runs.ts";
import { idsOf } from "../calls/new-call.ts";
import { Engine, NOON, newRun, type RunsHarness, type RunsStore } from "./new-run.ts";

/** Registers the tests of runs that are steps of others. */
export function trees(harness: RunsHarness): void {
  describe("runs that are steps of others", () => {
    let store: RunsStore;
    let engine: Engine;
    beforeEach(async () => {
      store = await harness.open();
      engine = new Engine(store);
    });
    afterEach(() => harness.dispose());

    const childOf = (run: string, item: number, flow = "leaf") =>
      newRun({ flow, parent: { run, step: "a", item, attempt: 1 } });
    /** Children of a run that the engine has, which is released. */
    const begin = async (parent: Pick<RunRecord, "id" | "sequence">, count: number, flow?: string) => {
      const children = Array.from({ length: count }, (_, item) => childOf(parent.id, item, flow));
      const row = { state: "waiting", wakeAt: NOON + 3_600_000 } as const;
      assert.equal(await engine.append(parent, { runs: children, isReleased: true, row }), "stored");
      return idsOf(children);
    };
    const cancel = (run: string, by = "ann") =>
      store.runs.signal([{ run, signal: { kind: "cancel", by, reason: "enough" } }], engine.now);
    const stateOf = async (run: string | undefined) => (await store.runs.get(run!))?.state;

    it("are not stored beyond the bound of their flow, and their parents are told", async () => {
      const parent = await engine.begin();
      const children = [0, 1, 2, 3].map((item) => childOf(parent.id, item, item === 3 ? "other" : "leaf"));
      for (const after of [0, 1]) {
        const append = { ...parent, sequence: parent.sequence + after };
        assert.equal(
          await engine.append(append, { runs: after === 0 ? children : [], mostLive: 2 }),
          "stored",
        );
      }
      const states = await Promise.all(children.map(({ id }) => stateOf(id)));
      assert.deepEqual(states, ["queued", "queued", undefined, "queued"]);
      const refused = { kind: "refused", step: "a", item: 2, attempt: 1, code: "too_many_runs" };
      const signals = await store.runs.signals(engine.owner, 10);
      assert.deepEqual(
        signals.map(({ signal }) => signal),
        [{ ...refused, run: children[2]!.id }],
      );
      const more = childOf(parent.id, 4);
      await engine.append({ ...parent, sequence: 3 }, { runs: [more], mostLive: 2 });
      assert.equal(await stateOf(more.id), undefined);
      const last = childOf(parent.id, 5);
      for (const run of await engine.claim()) if (run.id === children[0]!.id) await engine.end(run);
      await engine.append({ ...parent, sequence: 4 }, { runs: [last], mostLive: 2 });
      assert.equal(await stateOf(last.id), "queued");
    });

    it("end at once when they are cancelled before they began", async () => {
      const parent = await engine.begin();
      const children = await begin(parent, 2);
      const [claimed] = await engine.claim(1);
      const first = claimed!.id;
      const item = children.findIndex((id) => id !== first);
      const second = children[item];
      // The run that was claimed may have begun something.
      assert.deepEqual(await cancel(first), [true]);
      assert.deepEqual(await cancel(second!), [true]);
      assert.deepEqual([await stateOf(first), await stateOf(second)], ["queued", "cancelled"]);
      const at = engine.now;
      const end = { kind: "ended", at, state: "cancelled", by: "ann", reason: "enough" };
      const entries = await store.runs.entries(second!, 1, 10);
      assert.deepEqual(entries, [{ kind: "cancelling", at, by: "ann", reason: "enough" }, end]);
      const { endedAt, status } = (await store.runs.get(second!))!;
      assert.deepEqual([endedAt, status], [at, "Cancelled by ann: enough"]);
      assert.deepEqual((await store.runs.totals()).find(({ flow }) => flow === "leaf")!.ended, {
        cancelled: 1,
      });
      assert.deepEqual(await cancel(second!), [false]);
      // Its parent is awake, and knows.
      assert.deepEqual(idsOf(await engine.claim()), [parent.id]);
      const told = (await store.runs.signals(engine.owner, 10)).filter(({ run }) => run === parent.id);
      assert.deepEqual(
        told.map(({ signal }) => signal),
        [{ kind: "flow", step: "a", item, attempt: 1, run: second, end }],
      );
    });

    it("end with the append that cancels them, however many they are", async () => {
      const parent = await engine.begin();
      const children = Array.from({ length: 1_200 }, (_, item) => childOf(parent.id, item));
      await engine.append(parent, { runs: children });
      const by = `run ${parent.id}`;
      const signals = children.map(({ id }) => ({ run: id, signal: { kind: "cancel", by } as const }));
      await engine.append({ ...parent, sequence: 2 }, { signals });
      assert.deepEqual(
        (await store.runs.totals()).find(({ flow }) => flow === "leaf"),
        {
          ...{ flow: "leaf", live: {}, ended: { cancelled: 1_200 } },
        },
      );
      assert.deepEqual(await engine.claim(), []);
      assert.deepEqual(await store.runs.signals(engine.owner, 10), []);
    });

    it("are known to be forsaken when a run above them has ended or will be cancelled", async () => {
      const claim = async () => {
        const { runs, forsaken } = await store.runs.claim({ owner: engine.owner, now: engine.now, limit: 9 });
        return { ids: idsOf(runs), forsaken: [...forsaken] };
      };
      const root = await engine.begin();
      const [middle] = await begin(root, 1, "middle");
      const [claimed] = await engine.claim();
      assert.equal(claimed!.id, middle);
      const [leaf] = await begin(claimed!, 1);
      assert.deepEqual(await claim(), { ids: [leaf], forsaken: [] });
      await store.runs.free({ of: "all", now: engine.now, limit: 9 });
      await store.runs.beat(engine.owner, engine.now);
      await cancel(root.id);
      const { ids, forsaken } = await claim();
      assert.deepEqual([ids.includes(leaf!), forsaken], [true, [leaf]]);

      const other = await engine.begin();
      const lost = childOf(other.id, 0);
      await engine.end(other, "done", { runs: [lost] });
      assert.deepEqual(await claim(), { ids: [lost.id], forsaken: [lost.id] });
    });

    it("are cancelled before others are begun", async () => {
      const asleep = await engine.begin();
      await engine.release(asleep);
      engine.now += 60_000;
      await engine.create(newRun({ acceptedAt: NOON + 1_000 }));
      await cancel(asleep.id);
      assert.deepEqual(idsOf(await engine.claim(1)), [asleep.id]);
    });
  });
}
