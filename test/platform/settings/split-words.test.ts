import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { splitWords } from "../../../platform/settings/split-words.ts";

const TEXTS = [
  "df -h",
  "sh -c 'echo one; echo two'",
  `a"b c"d 'e'"f"g`,
  `'' "" a`,
  String.raw`a\ b "\"\\\a" '\"' \'`,
  "a\\\nb \"c\\\nd\" 'e\\\nf'",
  `printf '%s\n' "it's"`,
];

describe("splitWords", () => {
  for (const text of TEXTS) {
    it(`splits as a shell: ${JSON.stringify(text)}`, () => {
      const shell = execFileSync("/bin/sh", ["-c", `for word in ${text}; do printf '%s\\0' "$word"; done`]);
      assert.deepEqual(splitWords(text), shell.toString().split("\0").slice(0, -1));
    });
  }

  it("expands nothing", () => {
    const text = "echo $HOME $A $(id) `id` *.ts ~ a|b >c & # d";
    assert.deepEqual(splitWords(text), text.split(" "));
  });

  it("splits at blanks and ends of lines", () => {
    assert.deepEqual(splitWords("  a \t b\r\nc  "), ["a", "b", "c"]);
  });

  it("returns no word for blanks", () => {
    for (const text of ["", "  \n"]) assert.deepEqual(splitWords(text), []);
  });

  it("names the place of what is not closed", () => {
    const places = { "a 'b": 3, 'a "b': 3, "'a' 'b": 5, "ab\\": 3 };
    for (const [text, place] of Object.entries(places)) {
      assert.throws(() => splitWords(text), { detail: new RegExp(`at character ${place}: close it`) }, text);
    }
  });
});
