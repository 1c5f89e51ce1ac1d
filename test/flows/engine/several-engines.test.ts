import assert from "node:assert/strict";
import type { Engine } from "../../../flows/engine/engine.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { FlowStore } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { FlowRig } from "../support/flow-rig.ts";

describe("engines of several programs on one store", () => {
  let rig: FlowRig;
  let stores: FlowStore[];
  let engines: Engine[];
  beforeEach(async () => {
    rig = new FlowRig({ isShared: true });
    await rig.listen();
    rig.functions.set("add", ({ body }) => Number(body) + 1);
    stores = [];
    engines = [];
    for (const identity of ["a", "b"]) {
      // Each program hears of its own changes alone.
      const changes = storeChanges();
      const store = announcing(rig.sqlite, changes);
      stores.push(store);
      engines.push(await rig.start({ identity, changes, store }));
    }
  });
  afterEach(() => rig.close());

  it("take what another program stored", async () => {
    await rig.put("add", 'steps: {a: {fn: add, with: "${ input }"}}');
    const flow = await engines[0]!.table.find("add");
    const trigger = { kind: "api", by: "token" } as const;
    const run = engines[0]!.newRuns.newRun(flow, { trigger, input: { json: 1 }, by: "token" });
    await rig.sqlite.runs.create([run], { now: Date.now(), mostLive: 10 });
    assert.equal(await rig.output(run.id), 2);
  });

  it("get signals and events that came by another program", async () => {
    await rig.put(
      "waits",
      `
steps:
  person: {approve: Go}
  event: {wait: {event: payments, by: event.data, equals: input.id}}
output: "\${ steps.event.output }"
`,
    );
    const [a, b] = engines as [Engine, Engine];
    const ids = [await rig.begin(a, "waits", { id: 1 }), await rig.begin(b, "waits", { id: 2 })];
    for (const id of ids) await rig.run(id, "waiting");
    for (const [index, id] of ids.entries()) {
      const other = stores[1 - index]!;
      const approval = { kind: "approval", step: "person", approved: true, by: "me" } as const;
      await other.runs.signal([{ run: id, signal: approval }], Date.now());
      const data = { inline: Buffer.from(String(index + 1)) };
      const event = { topic: "payments", id, source: "/test", type: "paid", attributes: {}, data };
      await other.topics.publish([{ ...event, isDeduplicated: true }], Date.now());
    }
    assert.deepEqual([await rig.output(ids[0]!), await rig.output(ids[1]!)], [1, 2]);
  });

  it("hand runs on when one stops", async () => {
    await rig.put("waits", 'steps: {person: {approve: Go}, a: {fn: add, with: "1", needs: [person]}}');
    const [a] = engines as [Engine, Engine];
    const id = await rig.begin(a, "waits");
    await rig.run(id, "waiting");
    await a.close({ drainMs: 1_000 });
    const approval = { kind: "approval", step: "person", approved: true, by: "me" } as const;
    await rig.sqlite.runs.signal([{ run: id, signal: approval }], Date.now());
    assert.equal(await rig.output(id), 2);
  });

  it("go on with a run that they claim again while an append of it is under way", async () => {
    await rig.put("two", 'steps: {a: {fn: first}, b: {fn: add, with: "1", needs: [a]}}');
    rig.functions.set("first", () => 1);
    const changes = storeChanges();
    const engine = await rig.start({ identity: "c", changes, store: announcing(rig.store, changes) });
    await Promise.all(engines.map((other) => other.close({ drainMs: 0 })));
    rig.onAppend = async ({ run, entries }) => {
      if (!entries.some((entry) => entry.kind === "done" && entry.step === "a")) return;
      rig.onAppend = undefined;
      // Another engine takes this one for dead, which lives.
      await rig.sqlite.runs.free({ of: { prefix: "c/" }, now: Date.now(), limit: 9 });
      changes.emit("runs");
      await eventually("it is claimed", async () => (await rig.sqlite.runs.beats()).length === 1);
      // The store answers in order: by then the engine has read whatever it reads without this append.
      for (let n = 0; n < 20; n++) await rig.sqlite.runs.get(run);
    };
    const id = await rig.begin(engine, "two");
    await rig.run(id, "done");
    assert.equal(rig.calls().filter((name) => name === "first").length, 1);
  });
});
