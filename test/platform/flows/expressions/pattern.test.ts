import assert from "node:assert/strict";
import { Meter } from "../../../../platform/flows/expressions/evaluation/meter.ts";
import { Pattern } from "../../../../platform/flows/expressions/pattern/pattern.ts";

const PATTERNS = [
  "abc",
  "^abc$",
  "a.c",
  "a|b|cd",
  "(ab)+",
  "(?:ab)*c",
  "^(a|b)*$",
  "[a-c]+",
  "[^a-c]",
  "\\d{3}",
  "\\d{2,}",
  "^\\w{1,3}$",
  "\\bab\\b",
  "\\Bb",
  "\\s",
  "\\S+\\s\\S+",
  "^$",
  "",
  "a??b",
  "a*?b",
  "[-a]",
  "[a-]",
  "[\\d_]+x",
  "[^\\d]",
  "[\\D]",
  "\\x41",
  "\\u0041",
  "\\.",
  "a{0}b",
  "(a*)*b",
  "(a|b|)c",
  "^[a-z]+@[a-z]+[.][a-z]{2,}$",
  "(?<name>a)b",
  "x{2}{",
  "]",
  "}",
  "\\/",
];
const TEXTS = [
  "",
  "a",
  "b",
  "c",
  "abc",
  "xabcx",
  "abab",
  "ababc",
  "cd",
  "acc",
  "123",
  "12",
  "1_x",
  "a b",
  " ab ",
  "ab.",
  "A",
  "ab@cd.ef",
  "ab@cd",
  "a\nc",
  "-",
  "ac",
  "bc",
  "ä",
  "😀",
  "xx{",
  "]",
  "}",
  "/",
  "aaab",
];

function isIn(pattern: string, text: string): boolean {
  const meter = new Meter();
  return new Pattern(pattern, meter).isIn(text, meter);
}

describe("patterns", () => {
  it("find what those of JavaScript find", () => {
    for (const pattern of PATTERNS) {
      for (const text of TEXTS) {
        assert.equal(
          isIn(pattern, text),
          new RegExp(pattern).test(text),
          `${pattern} in ${JSON.stringify(text)}`,
        );
      }
    }
  });

  it("ignore case if they say so", () => {
    assert.equal(isIn("(?i)^aB[c-e]\\S$", "AbDx"), true);
    assert.equal(isIn("^ab", "AB"), false);
  });

  it("take a character beyond 16 bits as one", () => {
    assert.equal(isIn("^.$", "😀"), true);
  });

  it("name groups as RE2 does", () => {
    assert.equal(isIn("(?P<year>\\d{4})-\\d\\d", "on 2026-01"), true);
    assert.equal(isIn("\\A\\d+\\z", "2026"), true);
  });

  for (const [pattern, what] of [
    ["(a", "a `(` without a `)`"],
    ["a)", "a `)` without a `(`"],
    ["[a", "a `[` without a `]`"],
    ["*a", "a `*` that repeats nothing"],
    ["a**", "a repetition of a repetition"],
    ["a{3,2}", "the repetition `{3,2}`"],
    ["a{1001}", "the repetition `{1001}`"],
    ["(a)\\1", "a reference to a group"],
    ["(?=a)", "looking ahead or behind"],
    ["(?<!a)b", "looking ahead or behind"],
    ["\\p{L}", "`\\p`"],
    ["[z-a]", "a range that is out of order"],
    ["\\", "a `\\` at the end"],
    [`${"(".repeat(101)}${")".repeat(101)}`, "more than 100 groups"],
  ] as const) {
    it(`refuse ${pattern.slice(0, 20)}`, () => {
      assert.throws(
        () => isIn(pattern, "a"),
        (error: Error) => error.message.includes(what),
      );
    });
  }

  it("refuse repetitions that would be too long", () => {
    assert.throws(
      () => isIn("((a{1000}){1000}){1000}", "a"),
      /too long once its repetitions are written out/,
    );
    assert.throws(() => isIn("a".repeat(1001), "a"), /at most 1000 characters/);
  });
});
