import assert from "node:assert/strict";
import { convertKlusterfuck } from "../../../../platform/flows/convert/klusterfuck.ts";
import { ConversionFault } from "../../../../platform/flows/convert/klusterfuck-model.ts";
import { parseFlow } from "../../../../platform/flows/definition/parse.ts";

function connector(id: string, text: string, connectorId = "1") {
  return { id, data: { category: "connector", text, connectorId }, uiProps: { x: 10, y: 20 } };
}

function fn(id: string, text: string, more: Readonly<Record<string, unknown>> = {}) {
  return { id, data: { category: "fn", text, functionId: id, ...more }, uiProps: {} };
}

function link(from: string, to: string) {
  return { from, to, uiProps: {} };
}

function definitionOf(text: string) {
  const parsed = parseFlow(text, { limits: { flowSteps: 1000, flowItems: 10_000 } });
  assert.ok(parsed.definition, JSON.stringify(parsed.faults));
  return parsed.definition;
}

describe("flows of Klusterfuck", () => {
  it("become a text with a step for each function and a trigger for each connector", () => {
    const model = {
      nodes: [
        connector("1", "HTTP"),
        fn("2", "Check order", { url: "http://check-order.default.svc.cluster.local" }),
        fn("3", "Charge"),
        fn("4", "Reserve"),
        fn("5", "Send mail"),
      ],
      links: [link("1", "2"), link("2", "3"), link("2", "4"), link("3", "5"), link("4", "5")],
    };
    const { text, warnings } = convertKlusterfuck(model, {
      name: "order",
      functions: { 3: "charge", 4: "reserve", 5: "mail" },
    });
    assert.equal(
      text,
      `# Converted from a flow of Klusterfuck.

flow: order
on:
  http:
    access: public
steps:
  check_order: {fn: check-order}
  charge: {fn: charge, needs: [check_order]}
  reserve: {fn: reserve, needs: [check_order]}
  send_mail: {fn: mail, needs: [charge, reserve]}
`,
    );
    assert.deepEqual(warnings, [
      "Step `check_order` calls function `check-order`: that name was taken for function 2 of Klusterfuck.",
      "Step `send_mail` ran once for each of its 2 links. Here it waits for all of them, and gets their outputs by name.",
    ]);
    assert.deepEqual(definitionOf(text).steps.send_mail!.needs, ["charge", "reserve"]);
  });

  it("are read as the API answers them, and in their early form", () => {
    const early = {
      nodes: [
        { id: "1", data: { type: "connector", url: null } },
        { id: "2", data: { type: "function", url: "http://10.111.72.125" } },
      ],
      links: [{ from: "1", to: "2" }],
    };
    const { text } = convertKlusterfuck({
      id: 7,
      name: "f7a",
      displayName: "My Flow",
      contents: JSON.stringify(early),
    });
    assert.match(text, /flow: my-flow\nsteps:\n {2}step_2: \{fn: function-step-2\}/);
    definitionOf(text);
  });

  it("read edges with source and target", () => {
    const { text } = convertKlusterfuck({
      nodes: [connector("a", "Http trigger"), fn("b", "One"), fn("c", "One")],
      edges: [
        { source: "a", target: "b" },
        { source: "b", target: "c" },
      ],
    });
    assert.deepEqual(definitionOf(text).steps.one_2!.needs, ["one"]);
  });

  it("keep which connector runs which steps", () => {
    const { text, warnings } = convertKlusterfuck(
      {
        nodes: [
          connector("1", "", "10"),
          connector("2", "Kafka orders", "20"),
          connector("3", "Timer", "30"),
          fn("4", "a"),
          fn("5", "b"),
          fn("6", "c"),
        ],
        links: [link("1", "4"), link("2", "5"), link("1", "6"), link("2", "6"), link("3", "6")],
      },
      { connectors: { 10: "http" }, functions: { 4: "a", 5: "b", 6: "c" } },
    );
    const { on, steps } = definitionOf(text);
    assert.equal(on.http?.access, "public");
    assert.deepEqual(
      on.topics.map(({ topic }) => topic),
      ["kafka-orders"],
    );
    assert.equal(steps.a!.if, 'trigger.kind in ["http","api"]');
    assert.equal(steps.b!.if, 'trigger.kind in ["topic"]');
    assert.equal(steps.c!.if, undefined);
    assert.deepEqual(warnings, [
      "Connector `Kafka orders` became the topic `kafka-orders`: publish there what it delivered.",
      "Connector `Timer`: write its times as `on.cron`; Klusterfuck keeps none.",
    ]);
  });

  it("warn of what they cannot keep", () => {
    const { text, warnings } = convertKlusterfuck(
      {
        nodes: [
          connector("1", "Smoke signals"),
          { id: "2", data: { category: "note" } },
          fn("3", "Größe 1"),
          fn("4", "42"),
        ],
        links: [link("1", "3"), link("2", "3"), link("3", "9")],
      },
      { functions: { 3: "x", 4: "y" } },
    );
    assert.deepEqual(Object.keys(definitionOf(text).steps), ["grosse_1", "step_42"]);
    assert.deepEqual(warnings, [
      "Node 2 was left out: its category is note, neither `fn` nor `connector`.",
      "The link from 2 to 3 was left out: it has no such node.",
      "The link from 3 to 9 was left out: it has no such node.",
      "Connector `Smoke signals` was left out: write under `on` what begins a run.",
      "Step `step_42` had no link to it, so that it never ran. Here it runs first.",
    ]);
  });

  for (const [what, value] of Object.entries({
    "a text": "x",
    "a model without nodes": {},
    "a model without functions": { nodes: [connector("1", "HTTP")], links: [] },
    "two nodes with one id": { nodes: [fn("1", "a"), fn("1", "b")], links: [] },
    "a node without data": { nodes: [{ id: "1" }], links: [] },
    "contents that are no JSON": { name: "x", contents: "{" },
  })) {
    it(`refuse ${what}`, () => {
      assert.throws(() => convertKlusterfuck(value), ConversionFault);
    });
  }
});
