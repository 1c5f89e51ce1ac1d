import assert from "node:assert/strict";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";

const expressions = new Expressions();
const variables = {
  input: {
    n: 3,
    half: 0.5,
    s: "abc",
    list: [1, 2, 3],
    rows: [
      { p: 1, q: 2 },
      { p: 3, q: 4 },
    ],
    map: { a: 1 },
    none: null,
  },
  run: { startedAt: new Date("2026-01-31T12:00:00Z") },
  steps: { check: { state: "done", output: { ok: true } } },
};

function evaluated(expression: string): unknown {
  return expressions.evaluate(expression, variables);
}

function messageOf(expression: string): string {
  try {
    evaluated(expression);
  } catch (error) {
    assert.equal((error as Error).name, "ExpressionFault", String((error as Error).stack));
    return (error as Error).message;
  }
  return assert.fail(`${expression} has a value`);
}

const VALUES: readonly (readonly [string, unknown])[] = [
  ["input.n + 1", 4],
  ["input.n % 2", 1],
  ["input.n / 2", 1.5],
  ["int(input.n / 2)", 1],
  ["size(input.list) * 2.5", 7.5],
  ['string(3.0) == "3"', true],
  ["input.list[input.n - 1]", 3],
  ["input.n >= 3 && input.half < 1", true],
  ["-input.n", -3],
  ["1 == 1.0", true],
  ['input.n == "3"', false],
  ["input.none == null", true],
  ["2 in input.list", true],
  ['"a" in input.map', true],
  ['"toString" in input.map', false],
  ["[1, 'a', null, {'b': 2.5}]", [1, "a", null, { b: 2.5 }]],
  ["input.map == {'a': 1}", true],
  ["[1] + [2]", [1, 2]],
  ['input.n > 2 ? "many" : "few"', "many"],
  ["input.rows.map(row, row.p * row.q)", [2, 12]],
  ["input.rows.map(row, row.p > 1, row.q)", [4]],
  ["input.rows.filter(row, row.p > 1)", [{ p: 3, q: 4 }]],
  ["input.list.all(x, x > 0)", true],
  ["input.list.exists(x, x > 2)", true],
  ["input.list.exists_one(x, x > 2)", true],
  ["input.map.map(key, key)", ["a"]],
  [
    "input.list.map(x, input.list.map(y, x * y))",
    [
      [1, 2, 3],
      [2, 4, 6],
      [3, 6, 9],
    ],
  ],
  ["cel.bind(x, input.n, x * x)", 9],
  ["has(input.n)", true],
  ["has(input.missing.deeper)", false],
  ["default(input.missing, 5)", 5],
  ["default(input.none, 5)", 5],
  ["default(input.n, 5)", 3],
  ["input.?missing.orValue(7)", 7],
  ["input.?map.?a.orValue(7)", 1],
  ["input.list[?9].hasValue()", false],
  ["optional.of(1).value()", 1],
  ["optional.none().or(optional.of(2))", 2],
  ["1 / 0 == 1 || true", true],
  ["input.missing && false", false],
  ["run.startedAt", "2026-01-31T12:00:00.000Z"],
  ['run.startedAt + duration("1h30m")', "2026-01-31T13:30:00.000Z"],
  ['run.startedAt - timestamp("2026-01-31T11:00:00Z")', "3600s"],
  ['timestamp("2026-01-01") < run.startedAt', true],
  ["run.startedAt.getHours()", 12],
  ['run.startedAt.getHours("Europe/Berlin")', 13],
  ["run.startedAt.getDayOfYear()", 30],
  ['duration("90s").getMinutes()', 1],
  ['duration("1.5s")', "1.5s"],
  ['"a,b".split(",")', ["a", "b"]],
  ['["b", "a"].sort().join("-")', "a-b"],
  ['" Ab ".trim().lower() + "x".upper()', "abX"],
  ['"a.b.c".replace(".", "/")', "a/b/c"],
  ["input.s.substring(1, 2) + input.s.substring(2)", "bc"],
  ['input.s.indexOf("c")', 2],
  ['input.s.startsWith("a") && input.s.endsWith("c") && input.s.contains("b")', true],
  ["keys(input.map)", ["a"]],
  ["values(input.map)", [1]],
  ["sum(input.list)", 6],
  ["min(input.list) + max(2, 5)", 6],
  ["round(2.345, 2)", 2.35],
  ["round(2.5) + floor(1.9) + ceil(1.1) + abs(-1)", 7],
  ["[[1], 2].flatten()", [1, 2]],
  ["[1, 1, {'a': 1}, {'a': 1}].distinct()", [1, { a: 1 }]],
  ["input.list.slice(1)", [2, 3]],
  ["json('{\"a\": [1]}').a[0]", 1],
  ["toJson(input.rows[0])", '{"p":1,"q":2}'],
  ['int("42") + double("0.5")', 42.5],
  ['bool("true")', true],
  ["size('abc') + size(input.map)", 4],
  ["steps.check.output.ok", true],
];

const FAULTS: readonly (readonly [string, RegExp])[] = [
  ["input.s + 1", /`\+` does not apply to the text "abc" and the number 1\. Write `string\(…\)`/],
  ["input.nn", /`input` has no member `nn`\. Did you mean `n`\?/],
  ["input.list[7]", /`input\.list` has 3 elements and none at the number 7/],
  ["input.none.x", /`input\.none` is null and has no member `x`/],
  ["input.list.all(x, x)", /`x` is the number 1 where true or false is needed/],
  ["input.n ? 1 : 2", /`input\.n` is the number 3 where true or false is needed/],
  ['input.n < "3"', /The number 3 and the text "3" cannot be compared with `<`/],
  ["1 / 0", /Division by zero/],
  ["1e308 * 10", /is no number of JSON/],
  ["input.rows.join()", /`join` needs a list of texts, and this one holds a map/],
  ["foo(1)", /There is no function `foo`/],
  ["input.s.lowr()", /There is no method `lowr`\. Did you mean `lower`\?/],
  [
    "input.s.replace(1, 2)",
    /`replace` takes a text and a text and a text, not the text "abc", the number 1, the number 2/,
  ],
  ["9007199254740993", /beyond 2\^53/],
  ["b'abc'", /bytes and unsigned integers are not supported/],
  ["1 +", /ends too early/],
  ["input..a", /cannot be read at `\.a`/],
  ["", /is empty/],
  ["(".repeat(200), /nested|depth|maxDepth/i],
  [`"${"x".repeat(4096)}"`, /the limit is 4096/],
  ['timestamp("yesterday")', /is not a time such as/],
  ['duration("soon")', /is not a duration such as/],
  ['run.startedAt.getHours("Mars/Base")', /is not a time zone/],
  ["steps", /needs the name of a step/],
  ["steps[input.s].output", /needs the name of a step/],
  ["has(input.n + 1)", /`has` takes a member/],
  ["input.s.matches('(a')", /a `\(` without a `\)`/],
  ["input.map.map(1, 2)", /cannot be read at `1,`: map\(var, transform\) invalid/],
];

describe("expressions of flows", () => {
  for (const [expression, value] of VALUES) {
    it(`${expression} is ${JSON.stringify(value)}`, () => {
      assert.deepEqual(evaluated(expression), value);
    });
  }

  for (const [expression, message] of FAULTS) {
    it(`says what is wrong with ${expression.slice(0, 60) || "an empty text"}`, () => {
      assert.match(messageOf(expression), message);
    });
  }

  it("says where a fault is", () => {
    assert.throws(() => evaluated("1 + input.missing"), { offset: 10 });
    assert.throws(() => evaluated("1 == 1 &&\n  input..x"), { offset: 18 });
  });

  it("names the steps and variables that an expression reads, without names of macros", () => {
    const names = expressions.namesIn("steps.a.output.map(input, input.b + steps['c'].output) + [item]");
    assert.deepEqual([...names.steps], ["a", "c"]);
    assert.deepEqual([...names.variables], ["steps", "item"]);
    assert.deepEqual([...expressions.namesIn("cel.bind(x, x + y, x)").variables], ["x", "y"]);
  });
});
