import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { completionsAt } from "../../../dashboard/web/flows/language/completion.ts";
import { contextAt } from "../../../dashboard/web/flows/language/context.ts";
import { checkText } from "../../../dashboard/web/flows/language/outline.ts";
import { sentBy } from "../../../dashboard/web/flows/language/sample.ts";

const NAMES = {
  functions: ["charge", "check"],
  flows: ["ship"],
  topics: ["orders"],
  steps: ["first", "second"],
};

/** `|` is the place of the cursor. */
function at(text: string): [text: string, offset: number] {
  return [text.replace("|", ""), text.indexOf("|")];
}

function labels(text: string): readonly string[] {
  const [whole, offset] = at(text);
  return completionsAt(whole, offset, NAMES)?.options.map(({ label }) => label) ?? [];
}

describe("the language of flows", () => {
  it("knows where a place of a text is", () => {
    const path = (text: string) => contextAt(...at(text)).path.join(".");
    assert.equal(path("steps:\n  a:\n    fn: x\n    |"), "steps.a");
    assert.equal(path("steps:\n  a: { fn: x, retry: { att|"), "steps.a.retry");
    assert.equal(path("steps:\n  a:\n    needs: [b, |"), "steps.a.needs.0");
    assert.equal(path("steps:\n  a:\n    needs:\n      - b\n      - |"), "steps.a.needs.0");
    assert.equal(path("steps:\n  a:\n    catch:\n      - on: [timeout]\n        th|"), "steps.a.catch.0");
    assert.equal(path("steps:\n  a: { fn: x }\n|"), "");
  });

  it("completes keys, words and names", () => {
    assert.ok(labels("|").includes("steps"));
    assert.ok(!labels("steps:\n  a:\n    fn: x\n    |").includes("fn"));
    assert.ok(labels("steps:\n  a:\n    fn: x\n    |").includes("retry"));
    assert.deepEqual(labels("steps:\n  a:\n    fn: ch|"), ["charge", "check"]);
    assert.deepEqual(labels("steps:\n  a: { needs: [|"), ["first", "second"]);
    assert.deepEqual(labels("on:\n  http: { access: |"), ["public", "key"]);
    assert.deepEqual(labels('steps:\n  a:\n    with: "${ steps.fi|'), ["first", "second"]);
    assert.deepEqual(labels("steps:\n  a:\n    publish: |"), ["orders"]);
  });

  it("outlines a text with faults, each at its step and line", () => {
    const { outline, faults } = checkText(
      "steps:\n  a: { fn: 1 }\n  b: { fn: x, needs: [a, zero] }\n",
      "flow",
    );
    assert.deepEqual(
      outline!.steps.map(({ name, line, faults: own, before }) => [name, line, own.length, before]),
      [
        ["a", 2, 1, []],
        ["b", 3, 1, [{ from: "a", kind: "needs" }]],
      ],
    );
    assert.deepEqual(
      faults.map(({ line }) => line),
      [2, 3],
    );
    assert.ok(outline!.places.b!.y > outline!.places.a!.y);
  });

  it("checks a flow of 200 steps", () => {
    const steps = Array.from(
      { length: 200 },
      (_, index) =>
        `  s${index}: { fn: f${index === 0 ? "" : `, needs: [s${Math.floor((index - 1) / 3)}]`} }`,
    );
    const { outline, faults } = checkText(`steps:\n${steps.join("\n")}\n`, "flow");
    assert.deepEqual([outline!.steps.length, faults], [200, []]);
  });

  it("evaluates what a step sends", () => {
    const { outline } = checkText(readFileSync("examples/flows/order.yaml", "utf8"), "order");
    const members = (name: string) => outline!.steps.find((step) => step.name === name)!.members;
    const sample = { input: { id: "o-1", card: "42" }, outputs: { check: { amount: 40 } } };
    const sent = sentBy(members("charge"), sample);
    assert.deepEqual([sent.function, sent.body], ["charge", { card: "42", amount: 40 }]);
    assert.equal(sentBy(members("answer"), sample).path, "/o-1");
    assert.throws(() => sentBy(members("charge"), { input: {}, outputs: {} }), /card/);
  });
});
