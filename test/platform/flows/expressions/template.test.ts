import assert from "node:assert/strict";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import { bareExpression } from "../../../../platform/flows/expressions/template.ts";

const expressions = new Expressions();
const variables = { input: { n: 3, list: [1, 2], at: new Date(0) } };

function evaluated(template: unknown): unknown {
  return expressions.evaluateTemplate(template, variables);
}

describe("templates of flows", () => {
  it("are the value of an expression that stands alone", () => {
    assert.deepEqual(evaluated("${ input.list }"), [1, 2]);
    assert.equal(evaluated(" ${input.n}\n"), 3);
    assert.deepEqual(evaluated({ a: "${ input.n }", b: [true, null, "x", "${ input.list }"] }), {
      a: 3,
      b: [true, null, "x", [1, 2]],
    });
  });

  it("are texts with values inside", () => {
    assert.equal(
      evaluated("n is ${ input.n }, ${ input.list } at ${ input.at }"),
      "n is 3, [1,2] at 1970-01-01T00:00:00.000Z",
    );
    assert.equal(evaluated("${ input.n }${ input.n }"), "33");
    assert.equal(evaluated(""), "");
  });

  it("keep a plain ${ that is written with two dollars", () => {
    assert.equal(evaluated("$${ input.n }"), "${ input.n }");
    assert.equal(evaluated("a $${x} ${ input.n }"), "a ${x} 3");
  });

  it("have braces and texts in their expressions", () => {
    assert.deepEqual(evaluated("${ {'a': \"}\", 'b': {'c': '\\'}'}} }"), { a: "}", b: { c: "'}" } });
  });

  it("keep members of any name their own", () => {
    const made = evaluated(JSON.parse('{"__proto__": {"polluted": "${ input.n }"}}')) as object;
    assert.equal(JSON.stringify(made), '{"__proto__":{"polluted":3}}');
    assert.equal(Object.getPrototypeOf(made), Object.prototype);
  });

  it("are checked in every text, with the place of the fault", () => {
    const scope = { variables: ["input"], steps: ["check"], otherSteps: ["later"] };
    const faults = expressions.checkTemplate(
      {
        a: ["x ${ inpt.n } ${ steps.later.output }"],
        b: "${",
        c: "${ steps.chek.output }",
        d: "${ input.n }",
      },
      scope,
    );
    assert.deepEqual(
      faults.map(({ path, offset }) => [path.join("."), offset]),
      [
        ["a.0", 5],
        ["a.0", 23],
        ["b", 0],
        ["c", 9],
      ],
    );
    assert.match(faults[0]!.message, /There is no variable `inpt` here\. Did you mean `input`\?/);
    assert.match(faults[1]!.message, /Step `later` does not come before this one/);
    assert.match(faults[2]!.message, /has no `}`/);
    assert.match(faults[3]!.message, /There is no step `chek`\. Did you mean `check`\?/);
  });

  it("name the steps that they read", () => {
    const { steps } = expressions.namesInTemplate({
      a: "${ steps.a.output } and ${ steps.b.error.message }",
      b: [1],
    });
    assert.deepEqual([...steps], ["a", "b"]);
  });

  it("stand around an expression where one is needed", () => {
    assert.deepEqual(bareExpression(" ${ input.n } "), { expression: " input.n ", offset: 3 });
    assert.deepEqual(bareExpression("input.n"), { expression: "input.n", offset: 0 });
    assert.throws(() => bareExpression("${ a } and ${ b }"), /One expression is needed/);
  });
});
