import assert from "node:assert/strict";
import { Meter } from "../../../../platform/flows/expressions/evaluation/meter.ts";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import { threadMs } from "../../../support/processor/thread-time.ts";

const expressions = new Expressions();
const items = Array.from({ length: 10_000 }, (_, index) => index);
const variables = {
  input: { items, text: "x".repeat(1_000_000), a: deep(), b: deep(), hostile: `${"a".repeat(5_000)}!` },
};

function deep(): unknown {
  return Array.from({ length: 100_000 }, (_, index) => ({ index }));
}

/** Far more than an evaluation at its limit takes on a busy machine, and far less than any of these would without a limit. */
const MAX_MS = 4_000;

/** `cel.bind(a, START, cel.bind(b, [a, a], …))`, 60 times: 2^60 of what is at the start. */
function doubled(start: string, combine: (name: string) => string, last: (name: string) => string): string {
  const depth = 25;
  const name = (index: number) => `v${index}`;
  let text = last(name(depth));
  for (let index = depth; index > 0; index--)
    text = `cel.bind(${name(index)}, ${combine(name(index - 1))}, ${text})`;
  return `cel.bind(v0, ${start}, ${text})`;
}

const HOSTILE: Readonly<Record<string, string>> = {
  "macros in each other": "input.items.map(a, input.items.map(b, input.items.map(c, a + b + c)))",
  "conditions that fail in each other":
    "input.items.exists(a, input.items.exists(b, input.items.exists(c, a + 'x' == '')))",
  "costs that are hidden by ||": "input.items.all(a, input.items.map(b, a + b) == [] || true)",
  "costs that are hidden by default": "input.items.map(a, default(input.items.map(b, a + b), 1))",
  "comparisons of long lists": "input.items.map(a, input.a == input.b)",
  "looking for a value in a long list": "input.items.filter(a, -1 in input.items)",
  "looking through a long text": "input.items.map(a, input.text.contains('y'))",
  "texts that double": doubled(
    "'x'",
    (v) => `${v} + ${v}`,
    (v) => `${v} + ${doubledSize(v)}`,
  ),
  "lists that double": doubled(
    "[1]",
    (v) => `${v} + ${v}`,
    (v) => `size(${v})`,
  ),
  "lists of themselves": doubled(
    "[1]",
    (v) => `[${Array(10).fill(v).join(",")}]`,
    (v) => v,
  ),
  "lists of themselves as JSON": doubled(
    "[1]",
    (v) => `[${Array(10).fill(v).join(",")}]`,
    (v) => `toJson(${v})`,
  ),
  "texts that are joined": "input.items.map(a, input.text).join()",
  "texts that are replaced": "input.text.replace('x', input.text)",
  "texts that are split": "input.items.map(a, input.text.split('x'))",
  "a pattern that goes back":
    "input.hostile.matches('^(a+)+$') || input.hostile.matches('(a|a)*b') || input.hostile.matches('(a*)*b')",
  "patterns of many repetitions": "input.items.map(a, input.hostile.matches('(a{1,50}){1,50}b'))",
  "a sort": "input.items.map(a, input.items.sort())",
  "time zones": "input.items.map(a, timestamp(a).getHours('Europe/Berlin'))",
  "distinct objects": "input.a.distinct()",
};

function doubledSize(name: string): string {
  return `string(size(${name}))`;
}

describe("expressions of hostile authors", () => {
  for (const [what, expression] of Object.entries(HOSTILE)) {
    it(`end soon: ${what}`, () => {
      const start = threadMs();
      let message = "";
      try {
        expressions.evaluate(expression, variables);
      } catch (error) {
        assert.match((error as Error).name, /^(ExpressionFault|TooCostly)$/, (error as Error).stack);
        message = (error as Error).message;
      }
      const ms = threadMs() - start;
      assert.ok(ms < MAX_MS, `${ms} ms`);
      // The patterns are linear, and have a value.
      if (what === "a pattern that goes back") assert.equal(message, "");
      else assert.match(message, /costs more than|limit is|more than 32 MiB/);
    });
  }

  it("end sooner where they are evaluated often", () => {
    const expression = "input.items.map(a, a + 1)";
    assert.equal((expressions.evaluate(expression, variables) as unknown[]).length, 10_000);
    assert.throws(
      () => expressions.evaluate(expression, variables, new Meter(20_000)),
      /costs more than 20000 steps/,
    );
  });

  it("end soon: a template of a thousand expressions", () => {
    const start = threadMs();
    const template = Array(1000).fill("${ input.items.map(a, input.items[0] + a) }");
    assert.throws(() => expressions.evaluateTemplate(template, variables), /costs more than/);
    assert.ok(threadMs() - start < MAX_MS);
  });

  for (const [what, expression] of Object.entries({
    parentheses: "(".repeat(2000) + ")".repeat(2000),
    negations: `${"!".repeat(4000)}true`,
    minuses: `${"-".repeat(4000)}1`,
    sums: `1${"+1".repeat(2000)}`,
    lists: "[".repeat(2000) + "]".repeat(2000),
    conditions: `${"true?".repeat(600)}1${":1".repeat(600)}`,
  })) {
    it(`do not overflow the stack: many ${what}`, () => {
      try {
        expressions.evaluate(expression, {});
      } catch (error) {
        assert.match((error as Error).name, /^(ExpressionFault|TooCostly)$/, (error as Error).stack);
      }
    });
  }

  it("do not overflow the stack with JSON in a text", () => {
    const text = "[".repeat(100_000) + "]".repeat(100_000);
    assert.throws(() => expressions.evaluate("json(input)", { input: text }), {
      message: /nested deeper than 200 levels/,
    });
  });

  it("leave room for what people write: 10,000 items in a few macros", () => {
    const expression =
      "input.items.filter(a, a % 2 == 0 && a > 10).map(a, {'n': a, 'text': 'item ' + string(a)})";
    assert.equal((expressions.evaluate(expression, variables) as unknown[]).length, 4994);
    assert.equal(
      expressions.evaluate("size(input.items.filter(a, a < size(input.items)))", variables),
      10_000,
    );
    const absent = "size(input.items.filter(a, default(input.a[a].total, 5) > 1 && !has(input.a[a].x)))";
    assert.equal(expressions.evaluate(absent, variables), 10_000);
    const mails = { mails: items.map((item) => `user${item}@example.com`) };
    const matched = "size(mails.filter(mail, mail.matches('^[a-z]+[0-9]*@example[.]com$')))";
    assert.equal(expressions.evaluate(matched, mails), 10_000);
  });

  for (const expression of [
    "input.__proto__",
    "input.constructor",
    "input['constructor']",
    "input['__proto__']",
    "input.toString",
    "input.items.length",
    "input.items.constructor",
    "input.text.length",
    "input.text.constructor",
    "constructor",
    "__proto__",
    "toString",
    "{'__proto__': 1}",
    "{'a': 1}.constructor",
    "input.items.constructor()",
    "input.items.__proto__()",
    "constructor('return 1')",
    "toString()",
    "input.hasOwnProperty('items')",
    "run.startedAt.constructor",
    "run.startedAt.getTime()",
    "duration('1s').ms",
    "optional.constructor",
    "cel.constructor",
  ]) {
    it(`reach no prototype: ${expression}`, () => {
      assert.throws(
        () => expressions.evaluate(expression, { ...variables, run: { startedAt: new Date(0) } }),
        {
          name: "ExpressionFault",
        },
      );
    });
  }

  it("see members of any name that the data has itself", () => {
    const data = JSON.parse('{"constructor": {"a": 1}, "__proto__": {"b": 2}, "toString": 3}') as object;
    const found = expressions.evaluate("[d.constructor.a, d['__proto__'].b, d.toString, d.map(k, k)]", {
      d: data,
    });
    assert.deepEqual(found, [1, 2, 3, ["constructor", "__proto__", "toString"]]);
    assert.equal(({} as { b?: number }).b, undefined);
  });
});
