import { deepEqual, equal } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState, Text } from "@codemirror/state";
import { languageOf, loadLanguage } from "../../../dashboard/web/editor/languages.ts";
import { diagnosticsOf } from "../../../dashboard/web/editor/marks.ts";

const EXAMPLES = new URL("../../../examples/", import.meta.url);
/** Imports that only the runtime can read: an editor that tried would mark them. */
const IMPORTS = `import { Hono } from "npm:hono@4";
import { assert } from "jsr:@std/assert@1";
import { delay } from "https://deno.land/std@0.224.0/async/delay.ts";
export default async (request: Request) => (await delay(1), assert(request), new Hono().fetch(request));
`;

describe("Marks in the editor", () => {
  it("leave the examples and every kind of import alone", async () => {
    const paths = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" });
    const sources = paths
      .filter((path) => languageOf(path) !== "text")
      .map((path): [string, string] => [path, readFileSync(new URL(path, EXAMPLES), "utf8")]);
    for (const [path, doc] of [...sources, ["imports.ts", IMPORTS] as const]) {
      const state = EditorState.create({ doc, extensions: [await loadLanguage(languageOf(path))] });
      const faults: string[] = [];
      ensureSyntaxTree(state, doc.length, 5_000)!.iterate({
        enter: ({ type, from }) => void (type.isError && faults.push(`${path} at ${from}`)),
      });
      deepEqual(faults, []);
    }
    // Nothing but a refused deploy marks a line.
    equal(diagnosticsOf([], Text.of([""])).length, 0);
  });

  it("stand at the word that a deploy refused, also behind the end", () => {
    const doc = Text.of(["const one = 1;", "const = 2;"]);
    const [mark] = diagnosticsOf([{ line: 2, column: 7, text: "no name" }], doc);
    deepEqual([mark!.from, mark!.to, mark!.message], [21, 22, "no name"]);
    deepEqual(diagnosticsOf([{ line: 9, text: "x" }], doc)[0]!.from, 15);
  });
});
