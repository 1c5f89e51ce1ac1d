import assert from "node:assert/strict";
import type { StepError } from "../../../platform/flows/run/error.ts";
import { eventually } from "../../support/eventually.ts";
import { type Answering, FlowRig } from "../support/flow-rig.ts";

const PAID = `
steps:
  paid: {wait: {event: payments, by: event.data.order, equals: input.id, timeout: 1h}}
output: "\${ steps.paid.output }"
`;

describe("values that are nested very deeply", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("deep", answering(deep(20_000)));
    rig.functions.set("echo", ({ body }) => JSON.parse(body));
  });
  afterEach(() => rig.close());

  let events = 0;
  const publish = (topic: string, text: string) =>
    rig.store.topics.publish(
      [
        {
          ...{ topic, id: `event-${++events}`, source: "/test", type: "paid", isDeduplicated: true },
          attributes: { datacontenttype: "application/json" },
          data: { inline: Buffer.from(text) },
        },
      ],
      Date.now(),
    );

  const errorOf = async (id: string): Promise<StepError> => {
    const { error } = await rig.run(id, "failed");
    assert.ok(error);
    return error;
  };

  it("fail the step whose answer they are, once", async () => {
    await rig.put("one", "steps:\n  a: {fn: deep, retry: {attempts: 3, backoff: 1ms}}\n");
    const { type, message } = await errorOf(await rig.begin(await rig.start(), "one"));
    assert.equal(type, "invalid_output");
    assert.match(message, /"deep" .* nested deeper than 200 levels/);
    assert.deepEqual(rig.calls(), ["deep"]);
  });

  it("fail it as well if they are kept beside the run", async () => {
    rig.functions.set("deep", answering(deep(200_000)));
    await rig.put("one", 'steps:\n  a: {fn: deep, catch: [{output: "${ error.type }"}]}\n');
    assert.equal(await rig.output(await rig.begin(await rig.start(), "one")), "invalid_output");
  });

  it("are handed on whole if they are no JSON", async () => {
    rig.functions.set("deep", answering(deep(20_000), "application/octet-stream"));
    rig.functions.set("size", ({ body }) => body.length);
    await rig.put("one", "steps:\n  a: {fn: deep}\n  b: {fn: size, needs: [a]}\n");
    assert.equal(await rig.output(await rig.begin(await rig.start(), "one")), 40_000);
  });

  it("are no values of expressions, nor lists or objects that steps make of outputs", async () => {
    const engine = await rig.start();
    const grow = (member: string) => `steps:\n  a: {fn: echo, while: "true", max: 300, ${member}}\n`;
    await rig.put("grow", grow('with: {a: "${ last }"}'));
    assert.match((await errorOf(await rig.begin(engine, "grow"))).message, /nested deeper than 200 levels/);
    rig.functions.set("edge", answering(deep(200)));
    await rig.put("both", "steps:\n  a: {fn: edge}\n  b: {fn: edge}\n  c: {fn: echo, needs: [a, b]}\n");
    assert.match((await errorOf(await rig.begin(engine, "both"))).message, /nested deeper than 200 levels/);
    await rig.put("list", 'steps:\n  a: {fn: edge, each: "[1]"}\n');
    assert.match((await errorOf(await rig.begin(engine, "list"))).message, /nested deeper than 200 levels/);
  });

  it("may have 200 levels from a function through steps and an event to a wait", async () => {
    const engine = await rig.start();
    rig.functions.set("edge", answering(`{"order":1,"d":${deep(199)}}`));
    await rig.put("paid", PAID);
    await rig.put(
      "pay",
      "steps:\n  a: {fn: edge}\n  b: {fn: echo, needs: [a]}\n  c: {publish: payments, needs: [b]}\n",
    );
    const id = await rig.begin(engine, "paid", { id: 1 });
    await rig.run(id, "waiting");
    await rig.output(await rig.begin(engine, "pay"));
    assert.equal(JSON.stringify(await rig.output(id)), `{"order":1,"d":${deep(199)}}`);
  });

  it("are events that nobody waits for, in whichever topic", async () => {
    const engine = await rig.start();
    await rig.put("paid", PAID);
    await rig.put("other", PAID.replace("payments", "zebras"));
    const [first, second] = [
      await rig.begin(engine, "paid", { id: 1 }),
      await rig.begin(engine, "other", { id: 1 }),
    ];
    await Promise.all([rig.run(first, "waiting"), rig.run(second, "waiting")]);
    await publish("payments", `{"order":1,"d":${deep(20_000)}}`);
    await publish("zebras", '{"order":1,"of":"zebras"}');
    assert.deepEqual(await rig.output(second), { order: 1, of: "zebras" });
    await publish("payments", '{"order":1,"of":"payments"}');
    assert.deepEqual(await rig.output(first), { order: 1, of: "payments" });
    await eventually("a line", () => rig.lines.some((line) => /event-\d+ of the topic payments/.test(line)));
  });

  it("hold up one topic at most if it cannot be read at all", async () => {
    const { topics } = rig.store;
    let isBroken = true;
    const read: typeof topics.read = async (topic, ...rest) => {
      if (isBroken && topic === "payments") throw new RangeError("Maximum call stack size exceeded");
      return topics.read(topic, ...rest);
    };
    const proxied = new Proxy(topics, {
      get: (target, name) => {
        const member: unknown = name === "read" ? read : Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const engine = await rig.start({ store: { ...rig.store, topics: proxied } });
    await rig.put("paid", PAID);
    await rig.put("other", PAID.replace("payments", "zebras"));
    const second = await rig.begin(engine, "other", { id: 1 });
    await rig.run(second, "waiting");
    isBroken = false;
    const first = await rig.begin(engine, "paid", { id: 1 });
    await rig.run(first, "waiting");
    isBroken = true;
    await publish("payments", '{"order":1}');
    await publish("zebras", '{"order":1}');
    assert.deepEqual(await rig.output(second), { order: 1 });
    isBroken = false;
    assert.deepEqual(await rig.output(first), { order: 1 });
    assert.ok(rig.lines.some((line) => line.startsWith("events of the topic payments that runs wait for")));
  });

  it("are passed over by a run that looks for events of the past", async () => {
    await rig.put(
      "late",
      PAID.replace("steps:", "steps:\n  first: {fn: first}").replace("1h}", "1h}, needs: [first]"),
    );
    rig.functions.set("first", async () => {
      await publish("payments", `{"order":1,"d":${deep(20_000)}}`);
      await publish("payments", '{"order":1,"is":"plain"}');
    });
    const id = await rig.begin(await rig.start(), "late", { id: 1 });
    assert.deepEqual(await rig.output(id), { order: 1, is: "plain" });
  });
});

function deep(levels: number): string {
  return `${"[".repeat(levels)}${"]".repeat(levels)}`;
}

function answering(text: string, type = "application/json"): Answering {
  return (_, response) => response.writeHead(200, { "content-type": type }).end(text);
}
