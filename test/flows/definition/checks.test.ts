import assert from "node:assert/strict";
import { faultsOf, faultsOfSteps } from "./parsing.ts";

/** The steps have one fault, which is this one. */
function assertFault(steps: readonly string[], fault: string): void {
  assert.deepEqual(faultsOfSteps(...steps), [fault]);
}

describe("links between steps", () => {
  it("lead to steps that exist, or the one that was meant is named", () => {
    assertFault(
      ["check: {fn: a}", "b: {fn: b, needs: [chekc]}"],
      '3:22 steps.b.needs names chekc, which is not a step. Did you mean "check"?',
    );
    assertFault(
      ["a: {fn: a, catch: {then: x}}"],
      "2:28 steps.a.catch.0.then names x, which is not a step. Steps: a.",
    );
    assertFault(["a: {fn: a, needs: [b, b]}", "b: {fn: b}"], "2:25 steps.a.needs has b twice: name it once.");
    assert.deepEqual(faultsOf("on: {http: {respond: cehck}}\nsteps: {check: {fn: a}}"), [
      '1:22 on.http.respond names cehck, which is not a step. Did you mean "check"?',
    ]);
  });

  it("are no circle", () => {
    assertFault(
      ["a: {fn: a, needs: [c]}", "b: {fn: b, needs: [a]}", "c: {fn: c, needs: b}", "d: {fn: d, needs: [c]}"],
      "3:3 b → c → a → b is a circle, so that no step of it can start: remove one of these links, or repeat a step with while.",
    );
    assertFault(
      ["a: {fn: a, needs: [a]}"],
      "2:3 a waits for itself: remove it from its needs, else and catch, or repeat it with while.",
    );
    assertFault(
      ["a: {fn: a, catch: {then: b}}", "b: {fn: b, catch: {then: a}}"],
      "3:3 b → a → b is a circle, so that no step of it can start: remove one of these links, or repeat a step with while.",
    );
  });

  it("make sense with else", () => {
    assertFault(
      ["a: {fn: a}", "b: {fn: b, else: a}"],
      "3:20 steps.b.else names a, which has no if and is never skipped by it: give a an if.",
    );
    assertFault(
      ["a: {fn: a, if: input.x}", "b: {fn: b, else: a}", "c: {fn: c, else: a}"],
      "4:20 a has an else already, b: for a switch, give b an if and write else: b here.",
    );
    assert.deepEqual(
      faultsOfSteps("a: {fn: a, if: input.x}", "b: {fn: b, else: a, if: input.y}", "c: {fn: c, else: b}"),
      [],
    );
  });

  it("leave no step that can never run", () => {
    assertFault(
      ["a: {fn: a, if: input.x}", "b: {fn: b, else: a, needs: [a]}"],
      "3:20 b can never run: it needs a, and runs only if a is skipped. Remove it from needs.",
    );
    assertFault(
      ["a: {fn: a, if: input.x}", "m: {fn: m, needs: [a]}", "b: {fn: b, else: a, needs: [m]}"],
      "4:20 b can never run: it runs only if a is skipped, and then m is skipped too. Make it need what a needs.",
    );
    assertFault(
      ["a: {fn: a, catch: [{then: t}, {on: timeout, output: 1}]}", "t: {fn: t}"],
      "2:22 steps.a.catch.0 has no on, so that it catches every error and the rules after it never apply: move it to the end.",
    );
    assertFault(
      ["a: {fn: a, catch: [{then: t}]}", "b: {fn: b}", "t: {fn: t, needs: [b]}"],
      "4:14 t runs only if a fails and a catch rule chooses it: remove steps.t.needs.",
    );
  });

  it("do not leave steps or finally", () => {
    const text =
      "steps:\n  a: {fn: a, needs: [z]}\n  b: {fn: b}\nfinally:\n  b: {fn: b}\n  z: {fn: z, needs: [a]}\n";
    assert.deepEqual(faultsOf(text), [
      "2:22 steps.a.needs names z, a step of finally, which runs after all steps: remove it.",
      "5:3 steps has a step b too: give one of them another name.",
      "6:22 finally.z.needs names a, a step of steps, all of which have ended when finally begins: remove it.",
    ]);
  });
});

describe("expressions of a flow", () => {
  it("have faults at their own place, also in long texts", () => {
    const text = [
      "steps:",
      "  a:",
      "    fn: a",
      "    with:",
      "      folded: >",
      "        Hello ${ input.name },",
      "        you owe ${ inptu.total }",
      "      literal: |",
      "        x",
      "",
      "        y ${ steps.b.output }",
      '      quoted: "\\"\\u00e4\\" \\',
      '        ${ nam }"',
      "      single: 'it''s ${ x }'",
      "  b: {fn: b}",
    ];
    const variables = "There are `input`, `trigger`, `run`, `steps`.";
    assert.deepEqual(faultsOf(text.join("\n")), [
      "7:20 steps.a.with: There is no variable `inptu` here. Did you mean `input`?",
      "11:20 steps.a.with: Step `b` does not come before this one, so that it has no output here. Add it to `needs`.",
      `13:12 steps.a.with: There is no variable \`nam\` here. ${variables}`,
      `14:25 steps.a.with: There is no variable \`x\` here. ${variables}`,
    ]);
  });

  it("read what their place has", () => {
    const variables = (faults: readonly string[]) => faults.map((fault) => /`(\w+)`/.exec(fault)?.[1]);
    const all = '"${ [item, index, iteration, last, output, error, event] }"';
    const missing = (step: string) => {
      const names = ["item", "index", "iteration", "last", "output", "error", "event"];
      return names.filter((name) =>
        variables(faultsOfSteps(step.replace("ALL", `"\${ ${name} }"`))).includes(name),
      );
    };
    assert.equal(faultsOfSteps(`a: {fn: a, with: ${all}}`).length, 1);
    assert.deepEqual(missing("a: {fn: a, each: input, with: ALL}"), [
      "iteration",
      "last",
      "output",
      "error",
      "event",
    ]);
    assert.deepEqual(missing("a: {fn: a, while: last.x, max: 9, with: ALL}"), [
      "item",
      "index",
      "output",
      "error",
      "event",
    ]);
    assert.deepEqual(missing("a: {fn: a, output: ALL}"), ["item", "index", "iteration", "last", "event"]);
    assert.deepEqual(missing("a: {fn: a, each: input, catch: {output: ALL}}"), [
      "iteration",
      "last",
      "output",
      "event",
    ]);
    assert.deepEqual(missing("a: {fn: a, each: ALL}").length, 7);
    assert.deepEqual(missing("a: {wait: {event: t, by: ALL, equals: 1}}"), [
      "item",
      "index",
      "iteration",
      "last",
      "output",
      "error",
    ]);
  });

  it("read steps that come before by needs, else and catch, and all of them in finally", () => {
    const read = (name: string) => `with: "\${ steps.${name}.output }"`;
    assert.deepEqual(
      faultsOfSteps(
        "a: {fn: a, if: input.x, catch: {then: t}}",
        `t: {fn: t, ${read("a")}}`,
        `b: {fn: b, else: a, ${read("a")}}`,
        `c: {fn: c, needs: [b], ${read("a")}}`,
      ),
      [],
    );
    assertFault(
      ["a: {fn: a}", `b: {fn: b, ${read("a")}}`],
      "3:30 steps.b.with: Step `a` does not come before this one, so that it has no output here. Add it to `needs`.",
    );
    assert.deepEqual(
      faultsOf(`steps: {a: {fn: a}}\nfinally: {b: {fn: b, ${read("a")}}}\noutput: "\${ steps.a.output }"`),
      [],
    );
    assert.deepEqual(faultsOf('steps: {a: {fn: a}}\noutput: "${ steps.b.output }"').length, 1);
  });

  it("read how the run ended in finally alone", () => {
    assert.deepEqual(faultsOf('steps: {a: {fn: a}}\nfinally: {z: {fn: z, if: run.error.type == "x"}}'), []);
    assertFault(
      ['a: {fn: a, with: "${ run.state }"}'],
      "2:28 steps.a.with: `run` has no member `state`. It has `id`, `flow`, `version`, `startedAt`. Steps of finally have it.",
    );
  });

  it("have the types that the schema of the input and their place want", () => {
    const schema = "input: {type: object, properties: {total: {type: number}}}";
    const [fault, ...more] = faultsOf(`${schema}\nsteps:\n  a: {fn: a, if: input.total > "x"}\n`);
    assert.match(fault!, /^3:\d+ steps\.a\.if: /);
    assert.deepEqual(more, []);
    assert.match(faultsOfSteps("a: {fn: a, if: size(input.x)}").join(), /^2:18 steps\.a\.if: /);
    assert.match(faultsOfSteps("a: {fn: a, each: input.x == 1}").join(), /^2:\d+ steps\.a\.each: /);
  });

  it("have the grammar of their language", () => {
    assertFault(["a: {fn: a, if: input.x = 1}"], "2:26 steps.a.if: Write `==` instead of `=`.");
    assertFault(
      ["a: {fn: a, if: siz(input.x) > 1}"],
      "2:18 steps.a.if: There is no function `siz`. Did you mean `size`?",
    );
    assertFault(
      ['a: {fn: a, with: {x: "${ input.x"}}'],
      "2:25 steps.a.with: `${` has no `}`. Write `$${` for a plain `${`.",
    );
  });
});

describe("the schema of the input", () => {
  it("has its faults at the keyword", () => {
    assert.deepEqual(faultsOf("steps: {a: {fn: a}}\ninput:\n  type: object\n  proprties: {a: {}}\n"), [
      '4:3 "proprties" is not a keyword of JSON Schema. Did you mean "properties"?',
    ]);
    assert.deepEqual(faultsOf("steps: {a: {fn: a}}\ninput: {properties: {typ: {type: strin}}}\n"), [
      '2:34 input.properties.typ.type is "strin": use one of string, number, integer, boolean, object, array, null. Did you mean "string"?',
    ]);
    assert.deepEqual(faultsOf("steps: {a: {fn: a}}\ninput: {minimum: x}\n"), [
      '2:18 input.minimum is "x": it must be number.',
    ]);
  });
});
