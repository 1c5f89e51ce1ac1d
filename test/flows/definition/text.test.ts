import assert from "node:assert/strict";
import { flowOfSpec } from "../../../platform/flows/definition/parse.ts";
import { faultsOf, flowFaults, OPTIONS } from "./parsing.ts";

describe("the text of a flow", () => {
  it("is refused at the line where YAML ends, with what to do", () => {
    assert.deepEqual(faultsOf("steps:\n  a: {fn: a, if: !input.x}\n"), [
      '2:26 !input.x is a tag of YAML, which flows do not have: put an expression that starts with ! in quotation marks, such as if: "!input.paid".',
    ]);
    const [quote, ...more] = faultsOf("steps:\n  a: {fn: a, with: ${ input.x }}\n");
    assert.match(
      quote!,
      /^2:21 The YAML cannot be read: .* Put texts with \$\{ \} in quotation marks, such as with: /,
    );
    const [comparison] = faultsOf('steps:\n  a: {fn: a, if: "a" == input.x}\n');
    assert.match(comparison!, /^2:22 The YAML cannot be read: .* such as if: '"a" == input.b'\.$/);
    assert.deepEqual(more, []);
    assert.deepEqual(faultsOf("steps:\n\ta: {fn: a}"), [
      "2:1 The line is indented by a tab: YAML allows spaces alone.",
    ]);
    assert.deepEqual(faultsOf("steps: {a: {fn: a}}\n---\nx: 1\n"), [
      "2:1 The text has several documents: a flow is one, without ---.",
    ]);
  });

  it("has no key twice", () => {
    assert.deepEqual(faultsOf("steps:\n  a: {fn: a}\n  a: {fn: b}\n"), ["3:3 a is there twice: keep one."]);
  });

  it("is JSON when it was read", () => {
    assert.match(faultsOf("steps: {a: {fn: a, with: .inf}}").join(), /^1:26 .inf is not a number of JSON/);
    assert.match(
      faultsOf("steps: {a: {fn: a, with: {? [1] : 2}}}").join(),
      /A key is an object or a list: use a text/,
    );
    assert.match(faultsOf("steps: {a: {fn: a, with: !!binary aGk=}}").join(), /!!binary is a tag of YAML/);
  });

  it("has no integer that would be rounded", () => {
    const fault = (number: string) =>
      `${number} is beyond 2^53, where integers are rounded: write it as a text, such as "${number}".`;
    for (const number of [
      "12345678901234567890",
      "-9007199254740993",
      "9007199254740992",
      "0x20000000000001",
    ]) {
      assert.deepEqual(faultsOf(`steps:\n  a: {fn: a, with: {b: ${number}}}\n`), [`2:24 ${fault(number)}`]);
      const json = `{"steps": {"a": {"fn": "a", "with": ${number}}}}`;
      assert.deepEqual(faultsOf(json), [`1:37 ${fault(number)}`]);
    }
    const fine = ["9007199254740991", "-9007199254740991", "1e20", "1.5", '"12345678901234567890"'];
    assert.deepEqual(faultsOf(`steps: {a: {fn: a, with: [${fine.join(", ")}]}}`), []);
  });

  it("is a flow", () => {
    for (const text of ["", "# nothing", "hello", "- a"]) {
      assert.deepEqual(
        faultsOf(text).map((fault) => fault.slice(4)),
        ["The text is not a flow: write an object with steps, such as steps: {hello: {fn: hello}}."],
      );
    }
    assert.deepEqual(faultsOf("flow: f"), [
      "1:1 The flow has no steps: add steps, such as steps: {hello: {fn: hello}}.",
    ]);
    assert.deepEqual(faultsOf("steps:"), ["1:7 steps has no step: add one, such as hello: {fn: hello}."]);
    assert.deepEqual(faultsOf("steps: [{fn: a}]"), [
      "1:8 steps is a list: give each step a name, such as hello: {fn: hello}.",
    ]);
    assert.deepEqual(faultsOf("steps: {a: check}"), [
      "1:12 steps.a is not a step: give it an action, such as a: {fn: check}.",
    ]);
    assert.deepEqual(faultsOf("steps: {a: }"), [
      "1:12 steps.a is not a step: give it an action, such as a: {fn: hello}.",
    ]);
  });

  it("may have aliases, which must not stand for too much", () => {
    assert.deepEqual(
      faultsOf("steps:\n  a: {fn: a, retry: &r {attempts: 2}}\n  b: {fn: b, retry: *r}\n"),
      [],
    );
    assert.deepEqual(faultsOf("steps: {a: {fn: a, with: *x}}"), ["1:26 There is no &x above *x."]);
    assert.deepEqual(faultsOf("steps: {a: {fn: a, with: &x [*x]}}"), [
      "1:30 *x is a part of itself: write the value out.",
    ]);
    const levels = [..."abcdefgh"].map((name, i) =>
      `x${i}: &${name} [${"*i,".repeat(9)}]`.replaceAll("i", i === 0 ? "i" : "abcdefgh"[i - 1]!),
    );
    const bomb = ["xi: &i [1,1,1,1,1,1,1,1,1]", ...levels].join("\n");
    assert.deepEqual(faultsOf(bomb), [
      "1:1 The aliases of the text stand for too much: write the values out.",
    ]);
  });

  it("has a bounded number of faults, however many it has", () => {
    const needs = Array.from({ length: 40 }, (_, index) => `q${index}`);
    const steps = Array.from(
      { length: 900 },
      (_, index) => `  k${index}: {x: 1, fn: 7, needs: [${needs.join()}]}`,
    );
    const before = process.cpuUsage();
    assert.equal(flowFaults(`steps:\n${steps.join("\n")}`).length, 20);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 5_000_000, `${user} µs`);
  });

  it("is not nested without end", () => {
    assert.deepEqual(faultsOf(`steps: {a: {fn: a, with: ${"[".repeat(120)}${"]".repeat(120)}}}`).length, 1);
  });

  it("is the source of a declaration, or made of its members", () => {
    const source = "# mine\nsteps: {a: {fn: a}}\n";
    const byText = flowOfSpec({ source }, { ...OPTIONS, name: "f" });
    assert.equal(byText.text, source);
    const byMembers = flowOfSpec({ steps: { a: { fn: "a" } } }, { ...OPTIONS, name: "f" });
    assert.deepEqual(byMembers.definition, byText.definition);
    const { text, faults } = flowOfSpec({ steps: { a: { fn: "a", need: [] } } }, { ...OPTIONS, name: "f" });
    assert.equal(text, "steps:\n  a:\n    fn: a\n    need: []\n");
    assert.deepEqual([faults?.[0]?.line, faults?.[0]?.column], [4, 5]);
  });
});
