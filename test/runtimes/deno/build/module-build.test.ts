import assert from "node:assert/strict";
import { limits, problemOf, startBuilder, type TestBuilder, textOf } from "./building.ts";

describe("building one file that imports nothing from outside", () => {
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

  const kinds = {
    module: [
      `export default 1;`,
      `import { join } from "node:path"; export default join;`,
      `export default await import("node:path");`,
      `export default (name: string) => import("npm:" + name);`,
      `import type { Hono } from "npm:hono@4"; export default (app: Hono) => app;`,
    ],
    project: [
      `import { join } from "path"; export default join;`,
      `import "data:text/javascript,1";`,
      `module.exports = 1;`,
      `export default import.meta.url;`,
      `export default Deno.mainModule;`,
      `addEventListener("load", () => {}); export default 1;`,
      `const path = require("node:path"); module.exports = path;`,
      `/** @jsx h */ const h = 1; export default <a />;`,
    ],
  } as const;
  for (const [kind, sources] of Object.entries(kinds)) {
    for (const source of sources) {
      it(`makes a ${kind} of ${source}`, async () => {
        assert.equal((await test.build(source)).kind, kind);
      });
    }
  }

  it("is the main module, whoever imports it", async () => {
    assert.equal((await test.load("export const isMain = import.meta.main;")).isMain, true);
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
    const expected = ["method read", "accessor pages", "field title", "class Book", "disposed", "a2"];
    assert.deepEqual(stdout.trim().split("\n").sort(), expected.sort());
  });

  it("leads a stack to the lines of the posted file", async () => {
    const { stderr } = await test.run(`interface A { a: 1 }\n\nthrow new Error("boom");`);
    assert.match(stderr, /main\.ts:3:7/);
  });

  it("names no file of the machine in its source map", async () => {
    assert.equal(textOf(await test.build("export default 1;")).includes(test.folder), false);
  });

  it("lets a computed import fail when it runs", async () => {
    const source = `const path = "./none.ts";
      export const outcome = await import(\`./lib/\${path}\`).catch(() => "failed");`;
    assert.equal((await test.load(source)).outcome, "failed");
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

  it("refuses a module over its limit, with its source map", async () => {
    const tiny = await startBuilder({ limits: { ...limits, sourceBytes: 60 } });
    try {
      const { detail } = await problemOf(tiny.build("export default 1;"), "build_failed");
      assert.match(detail, /larger than 240 bytes \(4 times SKIFF_MAX_SOURCE\)/);
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
    for (const [n, artifact] of built.entries()) assert.match(textOf(artifact), new RegExp(`n = ${n};`));
  });
});
