import assert from "node:assert/strict";
import { eventually } from "../../../support/eventually.ts";
import { FlowRig } from "../../support/flow-rig.ts";

const PAID = `
steps:
  paid: {wait: {event: payments, by: event.data.order, equals: input.id, timeout: 1h}}
output: "\${ steps.paid.output }"
`;

describe("a run that waits for an event", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    await rig.put("paid", PAID);
  });
  afterEach(() => rig.close());

  let events = 0;
  const publish = (data: unknown, more: { type?: string; topic?: string } = {}) =>
    rig.store.topics.publish(
      [
        {
          ...{
            topic: "payments",
            id: `event-${++events}`,
            source: "/test",
            type: "paid",
            isDeduplicated: true,
          },
          ...{ attributes: { datacontenttype: "application/json" }, ...more },
          data: { inline: Buffer.from(JSON.stringify(data)) },
        },
      ],
      Date.now(),
    );

  it("gets one that is published later", async () => {
    const engine = await rig.start();
    const [first, second] = [
      await rig.begin(engine, "paid", { id: 1 }),
      await rig.begin(engine, "paid", { id: 2 }),
    ];
    await Promise.all([rig.run(first, "waiting"), rig.run(second, "waiting")]);
    await publish({ order: 3 });
    await publish({ other: 1 });
    await publish({ order: 2, by: "card" });
    assert.deepEqual(await rig.output(second), { order: 2, by: "card" });
    assert.equal((await rig.sqlite.runs.get(first))?.state, "waiting");
    await publish({ order: 1 });
    assert.deepEqual(await rig.output(first), { order: 1 });
  });

  it("gets one that was published after it began, before it waited", async () => {
    await rig.put(
      "late",
      PAID.replace("steps:", "steps:\n  first: {fn: first}").replace("1h}", "1h}, needs: [first]"),
    );
    const { promise: held, resolve } = Promise.withResolvers<void>();
    rig.functions.set("first", () => held);
    await publish({ order: 1, before: "the run" });
    const id = await rig.begin(await rig.start(), "late", { id: 1 });
    await eventually("the call", () => rig.received.length > 0);
    await publish({ order: 1, before: "the wait" });
    resolve();
    assert.deepEqual(await rig.output(id), { order: 1, before: "the wait" });
  });

  it("gets one of its type alone", async () => {
    await rig.put("typed", PAID.replace("event: payments", "event: payments, type: settled"));
    const id = await rig.begin(await rig.start(), "typed", { id: 1 });
    await rig.run(id, "waiting");
    await publish({ order: 1, is: "other" });
    await publish({ order: 1, is: "right" }, { type: "settled" });
    assert.deepEqual(await rig.output(id), { order: 1, is: "right" });
  });

  it("gets one that was published while no engine ran", async () => {
    const first = await rig.start();
    const id = await rig.begin(first, "paid", { id: 1 });
    await rig.run(id, "waiting");
    await first.close({ drainMs: 0 });
    await publish({ order: 1 });
    await rig.start();
    assert.deepEqual(await rig.output(id), { order: 1 });
  });

  it("gets one for each of its items", async () => {
    await rig.put(
      "items",
      `
steps:
  all: {wait: {event: payments, by: event.data, equals: item}, each: input.ids, concurrency: 5}
output: "\${ steps.all.output }"
`,
    );
    const id = await rig.begin(await rig.start(), "items", { ids: ["a", "b", "c"] });
    await rig.run(id, "waiting");
    for (const each of ["c", "b", "a"]) await publish(each);
    assert.deepEqual(await rig.output(id), ["a", "b", "c"]);
  });

  const SAME = "{event: payments, by: event.data.order, equals: input.id, timeout: 1h}";

  it("gets each event once in a loop and in a row, also across a restart", async () => {
    await rig.put(
      "row",
      `
steps:
  three: {wait: ${SAME}, while: iteration < 3, max: 5, output: {all: "\${ (iteration == 0 ? [] : last.all) + [output.n] }"}}
  next: {wait: ${SAME}, needs: [three]}
output: "\${ steps.three.output.all + [steps.next.output.n] }"
`,
    );
    const first = await rig.start();
    const id = await rig.begin(first, "row", { id: 1 });
    await rig.run(id, "waiting");
    await publish({ order: 1, n: 1 });
    await publish({ order: 1, n: 2 });
    const iterations = async () =>
      (await rig.entries(id)).filter((entry) => entry.kind === "done" && entry.step === "three").length;
    await eventually("the second iteration", async () => (await iterations()) === 2);
    await first.close({ drainMs: 0 });
    await publish({ order: 1, n: 3 });
    await rig.start();
    await eventually("the third iteration", async () => (await iterations()) === 3);
    await publish({ order: 1, n: 4 });
    assert.deepEqual(await rig.output(id), [1, 2, 3, 4]);
  });

  it("gets the events one by one that came before its waits", async () => {
    await rig.put(
      "late",
      `
steps:
  first: {fn: first}
  all: {wait: ${SAME}, each: "[1, 2, 3]", concurrency: 3, needs: [first]}
  next: {wait: ${SAME}, needs: [all]}
output: "\${ steps.all.output.map(one, one.n) + [steps.next.output.n] }"
`,
    );
    const { promise: held, resolve } = Promise.withResolvers<void>();
    rig.functions.set("first", () => held);
    const id = await rig.begin(await rig.start(), "late", { id: 1 });
    await eventually("the call", () => rig.received.length > 0);
    for (const n of [1, 2, 3, 4]) await publish({ order: 1, n });
    resolve();
    assert.deepEqual(await rig.output(id), [1, 2, 3, 4]);
  });
});
