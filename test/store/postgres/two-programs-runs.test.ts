import assert from "node:assert/strict";
import type { RunRecord } from "../../../store/flows/runs.ts";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { event } from "../conformance/events.ts";
import { Engine, NOON, newRun, started } from "../conformance/runs/new-run.ts";
import { PostgresHarness } from "./open-store.ts";

const RUNS = 40;
const APPENDS = 6;

/** Each store has connections of its own, as the stores of two programs have. */
describe("two programs with runs on one PostgreSQL", function () {
  this.timeout(60_000);
  const harness = new PostgresHarness();
  let stores: readonly PostgresStore[];
  beforeEach(async () => {
    const first = await harness.open();
    stores = [first, await harness.reopen(first)];
  });
  afterEach(() => harness.dispose());

  it("append, signal, wait and end at once, and none waits for the other for ever", async () => {
    const engines = stores.map((store, place) => new Engine(store, `host/${place}`));
    const ids = Array.from({ length: RUNS }, () => newRun({ flow: Math.random() < 0.5 ? "a" : "b" }));
    await engines[0]!.create(...ids);
    const owned = await Promise.all(engines.map((engine) => engine.claim(RUNS / 2)));
    for (const [place, engine] of engines.entries())
      if (owned[place]!.length === 0) assert.fail(engine.owner);

    const live = async (engine: Engine, run: RunRecord) => {
      for (let turn = 0; turn < APPENDS; turn++) {
        // Of both programs, in any order.
        const signals = [1, 2, 3].map(() => ids[Math.floor(Math.random() * RUNS)]!.id);
        const topics = ["x", "y"].sort(() => Math.random() - 0.5);
        const appended = await engine.append(
          { id: run.id, sequence: run.sequence + turn },
          {
            signals: signals.map((each) => ({ run: each, signal: { kind: "pause", by: "token" } })),
            events: topics.map((topic) => event({ topic, id: `${run.id}${turn}` })),
            waits: [{ run: run.id, step: "s", topic: topics[0]!, by: "event.id", equals: String(turn) }],
            runs: [newRun({ flow: "child", parent: { run: run.id, step: "c", attempt: 1 } })],
          },
        );
        assert.equal(appended, "stored");
      }
      const last = { id: run.id, sequence: run.sequence + APPENDS };
      assert.equal(await engine.end(last, "done", { waitsOver: [{ step: "s" }] }), "stored");
    };
    const follow = async ({ runs }: PostgresStore) => {
      for (let turn = 0; turn < 20; turn++)
        for (const { topic, position } of await runs.waits.topics()) {
          const signals = ids.slice(0, 5).map(({ id }) => {
            const found = { kind: "event", step: "s", topic, position, event: {} } as const;
            return { run: id, signal: found };
          });
          await runs.waits.advance({ topic, from: position, to: position + 1, signals, now: NOON });
        }
    };
    await Promise.all([
      ...engines.flatMap((engine, place) => owned[place]!.map((run) => live(engine, run))),
      ...stores.map(follow),
    ]);

    const [store] = stores as [PostgresStore];
    const totals = await store.runs.totals();
    const sum = (state: "done") => totals.reduce((count, { ended }) => count + (ended[state] ?? 0), 0);
    assert.equal(sum("done"), RUNS);
    assert.equal(totals.find(({ flow }) => flow === "child")!.live.queued, RUNS * APPENDS);
    assert.deepEqual(
      (await store.topics.stats()).map(({ end }) => end),
      [RUNS * APPENDS, RUNS * APPENDS],
    );
    assert.deepEqual(await store.runs.waits.topics(), []);
    for (const { id } of ids) assert.equal((await store.runs.entries(id, 0, 100)).length, 2 + APPENDS);
  });

  it("own each run once while engines take runs from each other", async () => {
    const ids = Array.from({ length: RUNS }, () => newRun());
    const engines = [0, 1, 2, 3].map((place) => new Engine(stores[place % 2]!, `host/${place}`));
    await engines[0]!.create(...ids);
    const stored: string[] = [];
    let ended = 0;
    const work = async (engine: Engine) => {
      while (ended < RUNS) {
        const runs = await engine.claim(5);
        // Runs of others, although they live.
        if (Math.random() < 0.3) {
          const of = (await engine.runs.beats()).filter(({ owner }) => owner !== engine.owner);
          await engine.runs.free({ of, now: NOON, limit: 3 });
        }
        await Promise.all(
          runs.map(async (run) => {
            const isLast = run.sequence > APPENDS;
            const appended = await (isLast ? end(engine, run) : release(engine, run));
            if (appended === "lost") return;
            stored.push(`${run.id} ${run.sequence}`);
            if (isLast) ended++;
          }),
        );
      }
    };
    // No two appends are equal: an engine that lost its run would be told that its own was stored.
    const end = (engine: Engine, run: RunRecord) => {
      const entry = { kind: "ended", at: NOON, state: "done", output: { json: newRun().id } } as const;
      return engine.end(run, "done", { entries: [entry] });
    };
    const release = (engine: Engine, run: RunRecord) =>
      engine.append(run, { isReleased: true, row: due, entries: [started(newRun().id)] });
    const due = { state: "running", wakeAt: NOON } as const;
    await Promise.all(engines.map(work));
    assert.equal(new Set(stored).size, stored.length);
    assert.equal(stored.length, RUNS * (APPENDS + 1));
    assert.equal((await stores[0]!.runs.totals())[0]!.ended.done, RUNS);
  });
});
