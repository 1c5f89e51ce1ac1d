import assert from "node:assert/strict";
import { limits, problemOf, startBuilder, type TestBuilder, tarOf, zipOf } from "./building.ts";

describe("building a source without outside imports", () => {
  let test: TestBuilder;
  before(async () => {
    test = await startBuilder();
    await test.builder.warm();
  });
  after(() => test.close());

  it("turns one TypeScript file into one module", async () => {
    const { default: handler } = await test.load(
      "export default { fetch(request: Request): string { return 'hi' } };",
    );
    assert.equal((handler as { fetch(): string }).fetch(), "hi");
  });

  it("bundles relative imports with and without an ending, and index files", async () => {
    const source = await tarOf({
      "main.ts": `import { a } from "./lib/a.ts"; import { b } from "./lib/b"; import { c } from "./c"; export const all = [a, b, c];`,
      "lib/a.ts": `export * from "../a";`,
      "a.js": `export const a = 1;`,
      "lib/b.tsx": `export const b: number = 2;`,
      "c/index.ts": `export const c = 3;`,
    });
    assert.deepEqual((await test.load(source)).all, [1, 2, 3]);
  });

  it("imports data as JSON, text and bytes, by ending and by attribute", async () => {
    const source = zipOf({
      "main.ts": `
        import json from "./a.json" with { type: "json" };
        import plain from "./a.json";
        import page from "./page.html";
        import code from "./lib.ts" with { type: "text" };
        import raw from "./page.html" with { type: "bytes" };
        import wasm from "./a.wasm";
        console.log(JSON.stringify([json.x, plain.x, page, code, [...raw], [...wasm]]));`,
      "a.json": `{"x": 1}`,
      "page.html": "<p>",
      "lib.ts": "export {}",
      "a.wasm": new Uint8Array([0, 255]),
    });
    const { stdout } = await test.run(source);
    assert.deepEqual(JSON.parse(stdout), [1, 1, "<p>", "export {}", [60, 112, 62], [0, 255]]);
  });

  it("keeps Node's builtins as node: imports, required ones too", async () => {
    const source = `
      import { join } from "path"; import { sep } from "node:path";
      const events = require("events"); const { posix } = require("node:path");
      export const all = [join("a", "b"), sep, typeof events, posix.sep];`;
    assert.deepEqual((await test.load(source)).all, ["a/b", "/", "function", "/"]);
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

  it("keeps old casts and generics of TypeScript", async () => {
    const source = `export const a = <number>(<unknown>1); export const f = <T>(x: T) => x;`;
    assert.equal((await test.load(source)).a, 1);
  });

  it("builds decorators, which no JavaScript engine has yet, and what goes with them", async () => {
    const { stdout } = await test.run(`
      const named = (value: unknown, { kind, name }: DecoratorContext) => console.log(kind, String(name));
      @named class Book {
        @named title = "a";
        @named accessor pages = 2;
        @named read() { return this.title + this.pages; }
      }
      { using open = { [Symbol.dispose]: () => console.log("disposed") }; }
      console.log(new Book().read());`);
    const kinds = ["method read", "accessor pages", "field title", "class Book"];
    assert.deepEqual(stdout.trim().split("\n").sort(), [...kinds, "disposed", "a2"].sort());
  });

  it("leads a stack to the user's files and lines", async () => {
    const source = await tarOf({
      "main.ts": `type A = 1;\nimport { boom } from "./lib/boom.ts";\nboom();`,
      "lib/boom.ts": `interface B { b: 1 }\nexport function boom() {\n  throw new Error("boom");\n}`,
    });
    const { stderr } = await test.run(source);
    assert.match(stderr, /lib\/boom\.ts:3:9/);
    assert.match(stderr, /main\.ts:3:1/);
  });

  it("lets a computed import fail when it runs, with its line unmoved", async () => {
    const source = `const path = "./none.ts";
export const outcome = await import(\`./lib/\${path}\`).catch(() => "failed");
export const required = (() => { try { return require("./" + path) } catch (error) { return error.message } })();
export const text = "import(\`./x/\`)";
export const stack = () => new Error("here").stack;`;
    const { outcome, required, text } = await test.load(source);
    assert.equal(outcome, "failed");
    assert.match(String(required), /Cannot find module/);
    assert.equal(text, "import(`./x/`)");
    assert.match((await test.run(`${source}console.log(stack());`)).stdout, /main\.ts:5:28/);
  });

  it("gives the place of a syntax error and the line itself", async () => {
    const { detail, extensions, status } = await problemOf(
      test.build("const a = 1;\nconst é = 'é', b = = 2;\n"),
      "build_failed",
    );
    assert.equal(status, 422);
    assert.equal(
      detail,
      `main.ts:2:20: Unexpected "="\n  2 | const é = 'é', b = = 2;\n    |                    ^`,
    );
    assert.deepEqual(extensions.errors, [
      {
        message: 'Unexpected "="',
        file: "main.ts",
        line: 2,
        column: 20,
        lineText: "const é = 'é', b = = 2;",
      },
    ]);
  });

  it("names the file of an archive and counts the other errors", async () => {
    const source = await tarOf({
      "main.ts": `import "./lib/a.ts"; import "./gone.ts";`,
      "lib/a.ts": "let x = ;",
    });
    const { detail, extensions } = await problemOf(test.build(source), "build_failed");
    assert.match(detail, /\(and 1 more error\)$/);
    assert.deepEqual(extensions.errors?.map(({ file }) => file).sort(), ["lib/a.ts", "main.ts"]);
  });

  it("reports the error of TSX when that is what the file is", async () => {
    const { detail } = await problemOf(test.build("const a = <b>x</b>;\nconst c = <d>;"), "build_failed");
    assert.match(detail, /^main\.tsx:2:/);
  });

  it("shows a part of a very long line", async () => {
    const { extensions } = await problemOf(
      test.build(`const a = "${"x".repeat(10_000)}" b;`),
      "build_failed",
    );
    const { column, lineText } = extensions.errors![0]!;
    assert.equal(column, 10_014);
    assert.ok(lineText.length < 300 && lineText.includes('" b;'));
  });

  it("says how to write an import that it does not know", async () => {
    const advice: Record<string, RegExp> = {
      lodash: /write "npm:lodash"/,
      "react/jsx-runtime": /@jsxImportSource/,
      "./other.ts": /post them as an archive/,
      "cloudflare:workers": /cloudflare: imports are not supported/,
    };
    for (const [specifier, pattern] of Object.entries(advice)) {
      const { detail } = await problemOf(test.build(`import "${specifier}";`), "build_failed");
      assert.match(detail, pattern);
    }
  });

  it("refuses a bundle over its limit and names both sizes", async () => {
    const tiny = await startBuilder({ limits: { ...limits, sourceBytes: 60 } });
    try {
      const { detail } = await problemOf(tiny.build("export default 1;"), "build_failed");
      assert.match(detail, /bundle with its dependencies is \d.* over the limit of 240 bytes/);
    } finally {
      await tiny.close();
    }
  });

  it("rejects with the reason of an aborted signal", async () => {
    const reason = new Error("the client left");
    await assert.rejects(test.build("export {}", AbortSignal.abort(reason)), reason);
  });

  it("builds many sources at a time", async () => {
    const built = await Promise.all(
      Array.from({ length: 50 }, (_, n) => test.build(`export const n = ${n};`)),
    );
    for (const [n, code] of built.entries()) assert.match(code, new RegExp(`n = ${n};`));
  });
});
