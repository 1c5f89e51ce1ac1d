import assert from "node:assert/strict";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import type { Wanted } from "../../../../platform/flows/expressions/scope.ts";

const expressions = new Expressions();
const input = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "string" },
    total: { type: "number" },
    count: { type: "integer" },
    paid: { type: "boolean" },
    rows: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
    tags: { type: "array", items: { type: "string" } },
    free: { type: "object" },
    open: { type: "object", properties: { a: { type: "number" } }, additionalProperties: true },
    mixed: { type: ["string", "null"] },
    either: { anyOf: [{ type: "string" }, { type: "number" }] },
  },
};
const scope = {
  variables: ["input", "run", "trigger", "error", "item", "event", "index"],
  steps: ["check"],
  otherSteps: ["charge"],
  input,
};

function faultOf(expression: string, wanted: Wanted = "any") {
  return expressions.check(expression, scope, wanted);
}

describe("the check of expressions", () => {
  for (const expression of [
    "input.total > 1000 && input.id == 'x'",
    "input.count + 1 == 2 || input.count / 2.5 > input.total",
    "input.rows.map(row, row.name.upper()).join(', ')",
    "input.rows[input.count].name + input.tags[0]",
    "input.free.anything.goes[0] + 1",
    "input.open.b.c",
    "input.mixed + 'x' == null",
    "input.either == 3 || input.either == 'three'",
    "run.startedAt + duration('1h') < timestamp('2030-01-01')",
    "run.flow + string(run.version)",
    "trigger.kind == 'http' && trigger.request.path.startsWith('/x')",
    "event.data.order == 3 && event.subject == 'x'",
    "steps.check.output.x.y > 3 && steps.check.state == 'done'",
    "steps.check.error.status >= 500 || steps.check.error == null",
    "item.x + index",
    "default(input.total, 0) + 1",
    "default(input.?mixed, 'x').size() > 0",
    "{'a': 1}.a + {'a': [1]}.a[0]",
    "size(input.free) + sum(input.rows.map(r, size(r.name)))",
    "cel.bind(n, input.total, n * n) > 1",
    "input.tags.filter(tag, tag.matches('^a')).exists(tag, tag == 'ab')",
    "keys(input.free).all(key, key.size() > 1)",
    "json('1') + 1",
  ]) {
    it(`accepts ${expression}`, () => {
      assert.equal(faultOf(expression)?.message, undefined);
    });
  }

  for (const [expression, offset, message] of [
    ["input.total > 'x'", 0, "`>` cannot compare a number and a text."],
    ["1 < 2 && input.totl > 3", 15, "`input` has no member `totl`. Did you mean `total`?"],
    ["input.rows[0].nam", 14, "`input.rows[0]` has no member `nam`. Did you mean `name`?"],
    ["input.rows.map(row, row.id)", 24, "`row` has no member `id`. It has `name`."],
    ["input.rows.name", 11, "`input.rows` is a list and has no member `name`."],
    ["input.tags['x']", 11, "`'x'` is a text where a number is needed."],
    [
      "input.id + input.total",
      0,
      "`+` does not apply to a text and a number. Write `string(…)` around what is no text.",
    ],
    ["input.id == 3", 0, "`==` compares a text and a number, which are never equal."],
    ["input.total && true", 0, "`input.total` is a number where a boolean is needed."],
    ["!input.id", 1, "`input.id` is a text where a boolean is needed."],
    ["-input.id", 1, "`input.id` is a text where a number is needed."],
    ["input.total.upper()", 0, "`upper` takes a text, not a number."],
    ["round('x')", 0, "`round` takes a number, or a number and a number, not a text."],
    ["'a' in 'abc'", 0, "`in` needs a list or a map on its right, not a text."],
    ["input.total.map(x, x)", 0, "`input.total` is a number where a list is needed."],
    ["input.total.orValue(1)", 0, "`input.total` is a number where an optional value is needed."],
    ["run.startdAt", 4, "`run` has no member `startdAt`. Did you mean `startedAt`?"],
    ["run.state == 'done'", 4, "`run` has no member `state`."],
    ["steps.check.outputs", 12, "`steps.check` has no member `outputs`. Did you mean `output`?"],
    ["steps.chek.output", 6, "There is no step `chek`. Did you mean `check`?"],
    [
      "steps['charge'].output",
      6,
      "Step `charge` does not come before this one, so that it has no output here. Add it to `needs`.",
    ],
    ["inpt.x", 0, "There is no variable `inpt` here. Did you mean `input`?"],
    [
      "last == null",
      0,
      "There is no variable `last` here. There are `input`, `run`, `trigger`, `error`, `item`, `event`, `index`, `steps`.",
    ],
    ["error.code == 'x'", 6, "`error` has no member `code`. It has `type`, `status`, `message`, `item`."],
    ["input.tags.map(t, true ? nope : 1)", 25, "There is no variable `nope` here."],
  ] as const) {
    it(`refuses ${expression}`, () => {
      const fault = faultOf(expression);
      assert.ok(fault?.message.startsWith(message), fault?.message);
      assert.equal(fault?.offset, offset);
    });
  }

  it("knows what is wanted", () => {
    assert.equal(faultOf("input.total > 3", "bool"), undefined);
    assert.equal(faultOf("input.free.x", "bool"), undefined);
    assert.match(faultOf("input.total", "bool")!.message, /is a number where a boolean is needed/);
    assert.equal(faultOf("input.rows", "list"), undefined);
    assert.match(faultOf("input.free", "list")!.message, /is a map where a list is needed/);
  });

  it("knows the state of the run in finally", () => {
    const expression = "run.state == 'failed' ? run.error.message : ''";
    assert.equal(expressions.check(expression, { ...scope, isFinally: true }), undefined);
  });

  it("has no steps where there are none", () => {
    const fault = expressions.check("steps.check.output == event.data", { variables: ["event"] });
    assert.equal(fault?.message, "There is no variable `steps` here. There is `event`.");
  });
});
