import assert from "node:assert/strict";
import { filesOf, limits, problemOf, startBuilder, type TestBuilder, tarOf, zipOf } from "./building.ts";

describe("building a project without packages", function () {
  this.timeout(60_000);
  let test: TestBuilder;
  before(async () => {
    test = await startBuilder();
    await test.builder.warm();
  });
  after(() => test.close());

  it("keeps the posted files as they are, with a configuration and a lock", async () => {
    const main = `import { a } from "./lib/a.ts"; export { a };`;
    const { kind, code } = await test.build(
      await tarOf({ "main.ts": main, "lib/a.ts": "export const a = 1;", "lib/page.html": "<p>" }),
    );
    const files = filesOf(code);
    assert.equal(kind, "project");
    assert.deepEqual(
      [...files.keys()].sort(),
      ["deno.json", "deno.lock", "lib/a.ts", "lib/page.html", "main.ts"].sort(),
    );
    assert.equal(Buffer.from(files.get("main.ts")!).toString(), main);
  });

  it("finds relative imports with and without an ending, and index files", async () => {
    const source = await tarOf({
      "main.ts": `import { a } from "./lib/a.ts"; import { b } from "./lib/b"; import { c } from "./c"; export const all = [a, b, c];`,
      "lib/a.ts": `export * from "../a";`,
      "a.js": `export const a = 1;`,
      "lib/b.ts": `export const b: number = 2;`,
      "c/index.ts": `export const c = 3;`,
    });
    assert.deepEqual((await test.load(source)).all, [1, 2, 3]);
  });

  it("imports data as JSON, text and bytes, by ending and by attribute", async () => {
    const source = zipOf({
      "main.ts": `
        import json from "./a.json" with { type: "json" };
        import plain from "./b.json";
        import page from "./page.html";
        import code from "./lib.ts" with { type: "text" };
        import raw from "./raw.html" with { type: "bytes" };
        console.log(JSON.stringify([json.x, plain.x, page, code, [...raw]]));`,
      "a.json": `{"x": 1}`,
      "b.json": `{"x": 2}`,
      "page.html": "<p>",
      "raw.html": "<p>",
      "lib.ts": "export {}",
    });
    const { stdout } = await test.run(source);
    assert.deepEqual(JSON.parse(stdout), [1, 2, "<p>", "export {}", [60, 112, 62]]);
  });

  it("knows Node's builtins with and without their scheme, required ones too", async () => {
    const source = `
      const { join } = require("path"); const { sep } = require("node:path");
      console.log(join("a", "b"), sep, typeof module, typeof __dirname);`;
    assert.equal((await test.run(source)).stdout, "a/b / object string\n");
    assert.equal(
      (await test.run(`import { join } from "path"; console.log(join("a", "b"));`)).stdout,
      "a/b\n",
    );
  });

  it("takes imports from the deno.json of the archive, comments included", async () => {
    const source = await tarOf({
      "deno.json": `{ // the map\n "imports": { "lib/": "./src/lib/", "#a": "./src/a.ts", "url": "https://x.test//y", }, }`,
      "main.ts": `import { a } from "#a"; export { a };`,
      "src/a.ts": `export { b as a } from "lib/b.ts";`,
      "src/lib/b.ts": `export const b = "mapped";`,
    });
    assert.equal((await test.load(source)).a, "mapped");
  });

  it("finds TSX in one posted file by itself", async () => {
    const source = `/** @jsx h */\nconst h = (name: string) => name;\nexport const page = <b>x</b>;`;
    assert.equal((await test.load(source)).page, "b");
  });

  it("gives a function its files, its workers, its computed imports and its role of the main module", async () => {
    const source = await tarOf({
      "main.ts": `
        const read = (path: string) => Deno.readTextFileSync(new URL(path, import.meta.url));
        const name = ["d", "e"].join("");
        const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
        const fromWorker = await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
        worker.terminate();
        const { hello } = await import(\`./texts/\${name}.ts\`);
        console.log(JSON.stringify([read("./page.txt"), Deno.readTextFileSync("page.txt"), fromWorker, hello, import.meta.main]));`,
      "worker.ts": `import { half } from "./half.ts"; postMessage(half * 2); export type A = 1;`,
      "half.ts": `export const half: number = 21;`,
      "texts/de.ts": `export const hello: string = "hallo";`,
      "page.txt": "page",
    });
    const { stdout, stderr } = await test.run(source);
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), ["page", "page", 42, "hallo", true]);
  });

  it("leads a stack to the files and lines as they were posted", async () => {
    const source = await tarOf({
      "main.ts": `type A = 1;\nimport { boom } from "./lib/boom.ts";\nboom();`,
      "lib/boom.ts": `interface B { b: 1 }\nexport function boom() {\n  throw new Error("boom");\n}`,
    });
    const { stderr } = await test.run(source);
    assert.match(stderr, /lib\/boom\.ts:3:9/);
    assert.match(stderr, /main\.ts:3:1/);
  });

  it("names the file of an error in an archive, and its place", async () => {
    const source = await tarOf({ "main.ts": `\nimport "./lib/a.ts";`, "lib/a.ts": "export {};\nlet x = ;" });
    const { extensions } = await problemOf(test.build(source), "build_failed");
    const { file, line, lineText } = extensions.errors![0]!;
    assert.deepEqual({ file, line, lineText }, { file: "lib/a.ts", line: 2, lineText: "let x = ;" });
  });

  it("names the import of a file that is not there, and the one that was meant", async () => {
    const source = await tarOf({
      "main.ts": `import "./lib/a.ts";`,
      "lib/a.ts": `export {};\n  import "./Gone.ts";`,
      "lib/gone.ts": "",
      "other.ts": "",
    });
    const { detail, extensions } = await problemOf(test.build(source), "build_failed");
    assert.match(detail, /Could not find "lib\/Gone\.ts" in the source; did you mean "lib\/gone\.ts"\?/);
    const { file, line, column } = extensions.errors![0]!;
    assert.deepEqual({ file, line, column }, { file: "lib/a.ts", line: 2, column: 10 });
  });

  it("says how to write an import that it does not know", async () => {
    const advice: Record<string, RegExp> = {
      lodash: /write "npm:lodash"/,
      "react/jsx-runtime": /@jsxImportSource/,
      "./other.ts": /post them as an archive/,
    };
    for (const [specifier, pattern] of Object.entries(advice)) {
      const { detail } = await problemOf(test.build(`import "${specifier}";`), "build_failed");
      assert.match(detail, pattern);
    }
  });

  it("refuses a project over its limit", async () => {
    const tiny = await startBuilder({ limits: { ...limits, sourceBytes: 60 } });
    try {
      const { detail } = await problemOf(tiny.build(`import "path";`), "build_failed");
      assert.match(detail, /larger than 240 bytes \(4 times SKIFF_MAX_SOURCE\)/);
    } finally {
      await tiny.close();
    }
  });
});
