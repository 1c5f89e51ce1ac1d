import assert from "node:assert/strict";
import { Environment } from "@marcbachmann/cel-js";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import { seededRandom, testSeed } from "../../../support/seeded-random.ts";

const COUNT = 2000;
const variables = {
  n: 7,
  m: 3,
  s: "abc",
  t: "b",
  nums: [1, 2, 3, 4],
  words: ["a", "bc", "abc"],
  obj: { a: 1, b: 2 },
  rows: [
    { id: 1, name: "a" },
    { id: 2, name: "b" },
  ],
  yes: true,
};

/** The other implementation has integers; the values of both are compared as JSON. */
const asBigInt = (value: unknown): unknown => {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(asBigInt);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asBigInt(member)]));
};

function asNumber(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(asNumber);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asNumber(member)]));
}

/** Expressions that have a value, by the kind of it. Division is left out: here it is that of JSON's numbers. */
class Generator {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  bool(depth: number): string {
    if (depth === 0) return this.#pick(["true", "false", "yes", "n > m", "s == t"]);
    const [next, op] = [depth - 1, this.#pick(["<", "<=", ">", ">=", "==", "!="])];
    return this.#pick([
      () => `(${this.bool(next)} && ${this.bool(next)})`,
      () => `(${this.bool(next)} || ${this.bool(next)})`,
      () => `!${this.bool(next)}`,
      () => `(${this.number(next)} ${op} ${this.number(next)})`,
      () => `(${this.text(next)} ${op} ${this.text(next)})`,
      () => `(${this.number(next)} in ${this.list(next)})`,
      () => `(${this.text(next)} in obj)`,
      () => `${this.text(next)}.contains(${this.text(next)})`,
      () => `${this.text(next)}.startsWith(t)`,
      () => `${this.text(next)}.matches("${this.#pick(["^a", "b+c?$", "[a-c]{2}", "x|y", "\\\\d"])}")`,
      () =>
        `${this.list(next)}.${this.#pick(["all", "exists", "exists_one"])}(x, x ${op} ${this.number(next)})`,
      () => `(${this.list(next)} == ${this.list(next)})`,
      () => `has(obj.${this.#pick(["a", "c"])})`,
      () => `(${this.bool(next)} ? ${this.bool(next)} : ${this.bool(next)})`,
      () => `(nums[9] == 1 || ${this.bool(next)})`,
    ])();
  }

  number(depth: number): string {
    if (depth === 0) return this.#pick(["0", "1", "5", "n", "m", "obj.a", "nums[2]", "rows[1].id"]);
    const next = depth - 1;
    return this.#pick([
      () => `(${this.number(next)} ${this.#pick(["+", "-", "*"])} ${this.number(next)})`,
      () => `(${this.number(next)} % 4)`,
      () => `-${this.number(next)}`,
      () => `size(${this.#pick([this.list(next), this.text(next), "obj"])})`,
      () => `${this.text(next)}.indexOf(t)`,
      () => `(${this.bool(next)} ? ${this.number(next)} : ${this.number(next)})`,
      () => `cel.bind(y, ${this.number(next)}, y + m)`,
      () => `obj["b"]`,
      () => `int("12")`,
    ])();
  }

  text(depth: number): string {
    if (depth === 0) return this.#pick(["''", "'b'", "s", "t", "words[1]", "rows[0].name"]);
    const next = depth - 1;
    return this.#pick([
      () => `(${this.text(next)} + ${this.text(next)})`,
      () => `string(${this.number(next)})`,
      () => `${this.text(next)}.trim()`,
      () => `words.filter(w, w.contains(${this.text(next)})).join(",")`,
      () => `rows.map(r, r.name).join("-")`,
      () => `s.substring(${this.#pick(["0", "1", "3"])})`,
      () => `(${this.bool(next)} ? ${this.text(next)} : ${this.text(next)})`,
    ])();
  }

  list(depth: number): string {
    if (depth === 0) return this.#pick(["nums", "[1]", "[1, n]", "[n, m, 2]"]);
    const next = depth - 1;
    return this.#pick([
      () => `(${this.list(next)} + ${this.list(next)})`,
      () => `${this.list(next)}.map(x, x + ${this.number(next)})`,
      () => `${this.list(next)}.filter(x, x > ${this.number(next)})`,
      () => `${this.list(next)}.map(x, x > 1, x * 2)`,
      () => `[${this.number(next)}, ${this.number(next)}]`,
      () => `rows.map(r, r.id)`,
    ])();
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }
}

describe("expressions of flows and CEL", () => {
  it(`agree on the values of ${COUNT} expressions`, () => {
    const expressions = new Expressions();
    const other = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
    const theirs = asBigInt(variables) as Record<string, unknown>;
    const generator = new Generator(seededRandom(testSeed()));
    let compared = 0;
    for (let count = 0; count < COUNT; count++) {
      const kind = (["bool", "number", "text", "list"] as const)[count % 4]!;
      const text = generator[kind](1 + (count % 3));
      const [ours, expected] = [
        valueOr(() => expressions.evaluate(text, variables)),
        valueOr(() => asNumber(other.evaluate(text, theirs))),
      ];
      assert.deepEqual(ours, expected, text);
      if (ours !== FAILED) compared++;
    }
    assert.ok(compared > COUNT * 0.9, `${compared} of ${COUNT} had a value`);
  });
});

const FAILED = "failed";

function valueOr(run: () => unknown): unknown {
  try {
    const value = run();
    // -0 is 0 in JSON.
    return JSON.parse(JSON.stringify(value));
  } catch {
    return FAILED;
  }
}
