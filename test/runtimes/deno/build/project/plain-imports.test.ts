import assert from "node:assert/strict";
import { configOf, projectOf } from "./running.ts";

describe("imports of data without an attribute", () => {
  it("lead to a module with the content, for the file that imports it", async () => {
    const project = await projectOf({
      "lib/a.ts":
        'import page from "../page.html"; import data, { b } from "./d.json"; await import("./x.bin");',
      "main.ts": 'import "./lib/a.ts"; import page from "./page.html" with { type: "text" };',
      "page.html": "<p>",
      "lib/d.json": '{ "b": 1, "not-a-name": 2, "class": 3 }',
      "lib/x.bin": "",
    });
    assert.deepEqual(configOf(project).scopes, {
      "./lib/a.ts": {
        "./page.html": "./.skiff/page.html.mjs",
        "./lib/d.json": "./.skiff/lib/d.json.mjs",
        "./lib/x.bin": "./.skiff/lib/x.bin.mjs",
      },
    });
    const text = (path: string) => new TextDecoder().decode(project.files.get(path));
    assert.match(
      text(".skiff/page.html.mjs"),
      /^import content from "\.\.\/page\.html" with { type: "text" };/,
    );
    assert.match(
      text(".skiff/lib/d.json.mjs"),
      /"\.\.\/\.\.\/lib\/d\.json" with { type: "json" }[\s\S]*export const { b } = content;/,
    );
    assert.match(text(".skiff/lib/x.bin.mjs"), /with { type: "bytes" }/);
  });

  it("stay as they are if the file is imported with an attribute as well, or is not there", async () => {
    const project = await projectOf({
      "main.ts":
        'import a from "./a.txt"; import b from "./a.txt" with { type: "bytes" }; import "./none.txt"; import("./b.txt", { with: {} });',
      "a.txt": "",
      "b.txt": "",
    });
    assert.deepEqual(configOf(project).scopes, {});
  });
});
