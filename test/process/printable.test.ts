import assert from "node:assert/strict";
import { printable, printableLines } from "../../process/printable.ts";

describe("text for a terminal", () => {
  for (const [what, text, shown] of [
    [
      "keeps what is text, in any script",
      "a\tb ü \u{1f600} \u05d0 👩‍👩‍👧 \\x1b",
      "a\tb ü \u{1f600} \u05d0 👩‍👩‍👧 \\x1b",
    ],
    ["has no escape sequences", "\u001b[2J\u001b]0;title\u0007", "\\x1b[2J\\x1b]0;title\\x07"],
    ["has no control characters of one byte", "\u0000\b\u007f", "\\x00\\x08\\x7f"],
    ["has no C1 controls, which are sequences in one character", "\u009b2J\u0085", "\\x9b2J\\x85"],
    [
      "has no marks that turn text around",
      "\u202e\u2066\u2069\u200f\u061c",
      "\\u202e\\u2066\\u2069\\u200f\\u061c",
    ],
    ["has no separators that some read as line breaks", "\u2028\u2029\v\f", "\\u2028\\u2029\\x0b\\x0c"],
    ["has no halves of characters", "\ud83d x \ude00", "\\ud83d x \\ude00"],
  ] as const) {
    it(what, () => {
      assert.equal(printable(text), shown);
      assert.equal(printableLines(text), shown);
    });
  }

  it("is one line, unless it may be several", () => {
    assert.equal(printable("a\r\nb"), "a\\r\\nb");
    assert.equal(printableLines("a\r\nb"), "a\\r\nb");
  });
});
