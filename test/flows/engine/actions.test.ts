import assert from "node:assert/strict";
import { FlowRig, refuse } from "../support/flow-rig.ts";

describe("a step of a flow", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig({ limits: { flowDepth: 2 }, env: { SKIFF_CALLBACK_HOSTS: "127.0.0.1" } });
    await rig.listen();
    rig.functions.set("add", ({ body }) => Number(body) + 1);
  });
  afterEach(() => rig.close());

  const outputOf = async (source: string, input: unknown = {}) => {
    await rig.put("it", source);
    return rig.output(await rig.begin(await rig.start(), "it", input));
  };
  const failureOf = async (source: string, input: unknown = {}) => {
    await rig.put("it", source);
    return (await rig.run(await rig.begin(await rig.start(), "it", input), "failed")).error!;
  };

  it("publishes an event, once for each attempt", async () => {
    await outputOf(
      'steps: {note: {publish: {topic: shipped, type: sent, attributes: {subject: "${ input.id }"}}, with: {n: 1}}}',
      {
        id: "x",
      },
    );
    const [event, ...others] = await rig.store.topics.read("shipped", 0, 10);
    assert.equal(others.length, 0);
    const { id, type, source, attributes, data } = event!;
    assert.match(id, /^[0-9a-f]{32}\.note\.1$/);
    assert.match(source, /^\/flow\/it\/run\/[0-9a-f]{32}$/);
    assert.deepEqual(
      [type, attributes.subject, attributes.datacontenttype],
      ["sent", "x", "application/json"],
    );
    assert.ok("inline" in data);
    assert.deepEqual(JSON.parse(Buffer.from(data.inline).toString()), { n: 1 });
  });

  it("publishes no event that is longer than its topic takes", async () => {
    const topics = [
      ["small", { maxEvent: "10" }],
      ["large", { maxEvent: "2Mi" }],
      ["plain", {}],
    ] as const;
    for (const [name, spec] of topics) await rig.platform.declarations.put("Topic", name, { spec });
    const to = (topic: string) => `steps: {note: {publish: ${topic}, with: "\${ input }"}}`;
    const error = await failureOf(to("small"), "12345678901");
    assert.equal(error.type, "event_too_large");
    assert.match(
      error.message,
      /^Step `note`: the event has 11 bytes, which is more than 10 bytes \(maxEvent/,
    );
    await outputOf(to("small"), "1234567890");
    const long = { text: "x".repeat(1024 * 1024) };
    await outputOf(to("large"), long);
    for (const topic of ["plain", "undeclared"])
      assert.match((await failureOf(to(topic), long)).message, /more than 1 MiB \(maxEvent of the topic/);
    const kept = await Promise.all(
      ["small", "large", "plain", "undeclared"].map((each) => rig.store.topics.read(each, 0, 10)),
    );
    assert.deepEqual(
      kept.map(({ length }) => length),
      [1, 1, 0, 0],
    );
  });

  it("runs another flow, whose output is its own", async () => {
    await rig.put(
      "child",
      'input: {type: object, required: [n]}\nsteps: {a: {fn: add, with: "${ input.n }"}}',
    );
    assert.equal(await outputOf('steps: {c: {flow: child, with: {n: "${ input.n }"}}}', { n: 4 }), 5);
    const [child] = await rig.store.runs.list({ flow: "child", limit: 2 });
    assert.deepEqual([child?.trigger.kind, child?.parent?.step, child?.parent?.attempt], ["flow", "c", 1]);
  });

  it("fails with the error of another flow", async () => {
    await rig.put("child", "steps: {a: {fn: bad, retry: {attempts: 1}}}");
    rig.functions.set("bad", (_, response) => response.writeHead(400).end("no"));
    const { type, message } = await failureOf("steps: {c: {flow: child}}");
    assert.equal(type, "client_error");
    assert.match(message, /The function "bad" answered 400: no/);
  });

  it("fails without the other flow, with an input that it does not take, and too deep", async () => {
    const { type, message } = await failureOf("steps: {c: {flow: nobody}}");
    assert.equal(type, "unknown_flow");
    assert.match(message, /^Flow `nobody` did not begin: There is no flow "nobody"/);
    await rig.put("child", "input: {type: object, required: [n]}\nsteps: {a: {fn: add}}");
    const invalid = await failureOf("steps: {c: {flow: child, with: {m: 1}}}");
    assert.equal(invalid.type, "invalid_input");
    await rig.put("deep", "steps: {c: {flow: deep}}");
    const deep = await failureOf("steps: {c: {flow: deep}}");
    assert.match(deep.message, /Flows are nested deeper than 2 \(SKIFF_FLOW_DEPTH\)/);
  });

  it("cancels the flow that it runs", async () => {
    await rig.put("child", "steps: {a: {wait: 1h}}");
    await rig.put("it", "steps: {c: {flow: child}}");
    const id = await rig.begin(await rig.start(), "it");
    await rig.run(id, "waiting");
    const [child] = await rig.store.runs.list({ flow: "child", limit: 1 });
    await rig.store.runs.signal([{ run: id, signal: { kind: "cancel", by: "test" } }], Date.now());
    await rig.run(id, "cancelled");
    await rig.run(child!.id, "cancelled");
  });

  it("calls a URL", async () => {
    rig.functions.set("/hook", ({ body, headers }) => ({
      body,
      type: headers["content-type"],
      a: headers["x-a"],
    }));
    const url = `${rig.url}/hook?b=1`;
    assert.deepEqual(
      await outputOf(
        `steps: {h: {http: {url: "${url}", method: PUT, headers: {x-a: "\${ input.a }"}}, with: {c: 1}}}`,
        { a: "ä" },
      ),
      { body: '{"c":1}', type: "application/json", a: Buffer.from("ä").toString("latin1") },
    );
  });

  it("calls no address that is not public", async () => {
    const error = await failureOf('steps: {h: {http: "http://127.0.0.2:1/x"}}');
    assert.equal(error.type, "forbidden");
    assert.match(error.message, /127.0.0.2 is not a public address/);
  });

  it("runs a command through the manager", async () => {
    rig.functions.set("/exec", ({ url, body, headers }) => {
      const query = new URL(url, "http://x").searchParams;
      return {
        exitCode: query.get("arg") === "fail" ? 2 : 0,
        output: `${query.getAll("arg")} ${body} ${headers["x-skiff-env-A"] ?? headers["x-skiff-env-a"]}`,
      };
    });
    assert.deepEqual(
      await outputOf("steps: {e: {exec: {image: alpine, cmd: [cat, '-'], env: {A: b}}, with: hello}}"),
      {
        exitCode: 0,
        output: "cat,- hello b",
      },
    );
    const error = await failureOf("steps: {e: {exec: {image: alpine, cmd: [fail]}}}");
    assert.deepEqual(error.type, "program_failed");
    assert.match(error.message, /The command alpine fail exited with code 2: fail/);
  });

  it("ends after its timeout", async () => {
    rig.functions.set("slow", (_, response) => response);
    const error = await failureOf("steps: {s: {fn: slow, timeout: 50ms, retry: {attempts: 1}}}");
    assert.deepEqual(error, { type: "timeout", message: "The attempt took longer than 50 ms (timeout)." });
  });

  it("hands on a body whole", async () => {
    rig.functions.set("image", (_, response) =>
      response.writeHead(200, { "content-type": "image/png" }).end("PNG"),
    );
    rig.functions.set("size", ({ body, headers }) => [body, headers["content-type"]]);
    const source = 'steps: {a: {fn: image}, b: {fn: size, with: "${ steps.a.output }", needs: [a]}}';
    assert.deepEqual(await outputOf(source), ["PNG", "image/png"]);
  });

  it("keeps a large output as a body, which expressions read", async () => {
    rig.functions.set("rows", () => Array.from({ length: 20_000 }, (_, n) => n));
    rig.functions.set("sum", ({ body }) => Number(body));
    const source = 'steps: {a: {fn: rows}, b: {fn: sum, with: "${ size(steps.a.output) }", needs: [a]}}';
    assert.equal(await outputOf(source), 20_000);
  });

  it("is not made while the function is unknown to the router alone", async () => {
    rig.functions.set("late", (_, response) => refuse(response, 404, "unknown_function"));
    const error = await failureOf("steps: {a: {fn: late}}");
    assert.equal(error.type, "unknown_function");
  });
});
