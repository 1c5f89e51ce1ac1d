import { deepEqual, equal } from "node:assert/strict";
import { Text } from "@codemirror/state";
import { smallestChange } from "../../../dashboard/web/editor/change.ts";
import { languageOf } from "../../../dashboard/web/editor/languages.ts";
import { diagnosticsOf } from "../../../dashboard/web/editor/marks.ts";

describe("Code editor", () => {
  const doc = Text.of(["let one = 1;", "", "call(two);"]);

  it("changes only what differs", () => {
    equal(smallestChange(doc, doc.toString()), undefined);
    deepEqual(smallestChange(doc, "let one = 12;\n\ncall(two);"), { from: 11, to: 11, insert: "2" });
    deepEqual(smallestChange(doc, "let one = 1;\ncall(two);"), { from: 13, to: 14, insert: "" });
    deepEqual(smallestChange(Text.of(["aa"]), "aaa"), { from: 2, to: 2, insert: "a" });
  });

  it("marks a word, a line, and the last line for places behind the end", () => {
    const at = (mark: { line: number; column?: number; endColumn?: number }) => {
      const [{ from, to } = { from: -1, to: -1 }] = diagnosticsOf([{ ...mark, text: "wrong" }], doc);
      return doc.sliceString(from, to);
    };
    equal(at({ line: 1, column: 5 }), "one");
    equal(at({ line: 3, column: 5 }), "(");
    equal(at({ line: 3, column: 1, endColumn: 8 }), "call(tw");
    equal(at({ line: 1 }), "let one = 1;");
    equal(at({ line: 9, column: 99 }), "");
  });

  it("knows the language of a file by its name", () => {
    deepEqual(
      ["main.ts", "a/b.TSX", "x.mjs", "deno.json", "flow.yml", "main.py", "run.sh", "Makefile"].map(
        languageOf,
      ),
      ["typescript", "typescript", "javascript", "json", "yaml", "python", "text", "text"],
    );
  });
});
