import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { FlowRig } from "../support/flow-rig.ts";

const MOST = 50;

describe("flows that run flows", () => {
  let rig: FlowRig;
  afterEach(() => rig.close());

  const start = async (limits: { readonly liveRuns: number; readonly flowRuns?: number }) => {
    rig = new FlowRig({ limits });
    await rig.listen();
    rig.functions.set("leaf", () => 1);
    return rig.start();
  };
  const live = async (flow: string) => {
    const totals = (await rig.store.runs.totals()).find((each) => each.flow === flow);
    return Object.values(totals?.live ?? {}).reduce((sum, count) => sum + count, 0);
  };
  const cancel = (run: string) =>
    rig.store.runs.signal([{ run, signal: { kind: "cancel", by: "test" } }], Date.now());

  it("begin no more of them than may live, and go on as these end", async () => {
    const engine = await start({ liveRuns: 3 });
    await rig.put("small", "steps: {a: {wait: 50ms}}");
    await rig.put("fan", "steps: {a: {each: input.x, concurrency: 100, flow: small}}");
    const id = await rig.begin(engine, "fan", { x: [1, 2, 3, 4, 5, 6, 7, 8] });
    let most = 0;
    await eventually("the list is done", async () => {
      most = Math.max(most, await live("small"));
      return (await rig.store.runs.get(id))?.state === "done";
    });
    assert.equal(most, 3);
    const attempts = (await rig.entries(id)).flatMap((entry) => ("attempt" in entry ? entry.attempt : []));
    assert.deepEqual([...new Set(attempts)], [1]);
    const totals = (await rig.store.runs.totals()).find(({ flow }) => flow === "small");
    assert.deepEqual(totals!.ended, { done: 8 });
  });

  it("stop at the bound when they run themselves, and end with their root", async () => {
    const engine = await start({ liveRuns: MOST, flowRuns: 20 });
    await rig.put("bomb", 'steps: {a: {each: "[1,2,3]", flow: bomb, catch: [{output: 0}]}}');
    const id = await rig.begin(engine, "bomb");
    await eventually("as many live as may", async () => (await live("bomb")) === MOST);
    await cancel(id);
    await eventually("all have ended", async () => (await live("bomb")) === 0);
    assert.equal((await rig.store.runs.get(id))!.state, "cancelled");
  }).timeout(60_000);

  it("end with their root though thousands wait for an engine", async () => {
    const engine = await start({ liveRuns: 10_000, flowRuns: 2 });
    await rig.put("slow", "steps: {a: {wait: 1h}}");
    await rig.put("fan", "steps: {a: {each: input.x, concurrency: 1000, flow: slow}}");
    const id = await rig.begin(engine, "fan", { x: Array.from({ length: 2_000 }, (_, n) => n) });
    await eventually("a thousand live", async () => (await live("slow")) >= 1_000);
    await cancel(id);
    await eventually("all have ended", async () => (await live("slow")) + (await live("fan")) === 0);
    const totals = (await rig.store.runs.totals()).find(({ flow }) => flow === "slow")!;
    assert.deepEqual(Object.keys(totals.ended), ["cancelled"]);
  }).timeout(60_000);

  it("begin nothing in a run whose parent has ended", async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("leaf", () => 1);
    await rig.put("child", "steps: {a: {fn: leaf}}\nfinally: {b: {fn: leaf}}");
    await rig.put("it", "steps: {a: {flow: child}}");
    // The child is queued as the one engine has no room.
    const first = await rig.start();
    const { table, newRuns } = first;
    const parent = newRuns.newRun(await table.find("it"), {
      ...{ trigger: { kind: "api", by: "test" }, input: { json: {} }, by: "test" },
    });
    const child = newRuns.newRun(await table.find("child"), {
      trigger: { kind: "flow", flow: "it", run: parent.id, step: "a" },
      ...{ parent: { run: parent.id, step: "a", attempt: 1 }, input: { json: {} }, by: "test" },
    });
    await rig.store.runs.create([child], { now: Date.now(), mostLive: 10 });
    await rig.run(child.id, "cancelled");
    assert.deepEqual(rig.calls(), []);
    assert.equal(first.counts.ended.cancelled, 1);
  });
});
