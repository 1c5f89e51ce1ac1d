import assert from "node:assert/strict";
import { configOf, projectOf } from "./running.ts";

const nameOf = async (code: string) => (await projectOf({ "main.ts": code })).entry;

describe("a single posted file", () => {
  const names: Record<string, [name: string, code: string]> = {
    "a TypeScript module": ["main.ts", "const a: string = <string>'x'; export default () => a;"],
    "a program": ["main.ts", "const exports = 1; Deno.serve(() => new Response(String(exports)));"],
    "a program that waits": ["main.ts", "const { a } = await import('node:fs'); module.exports = a;"],
    "a module with createRequire": [
      "main.ts",
      "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); require('x');",
    ],
    TSX: ["main.tsx", "/** @jsxImportSource npm:preact */ export default () => <p class='a'>x</p>;"],
    "TSX with an error behind": ["main.tsx", "export default () => <p class='a'>x</p>;\nconst ="],
    "an error": ["main.ts", "export default () => ;"],
    CommonJS: ["main.cjs", "const fs = require('fs'); module.exports = () => typeof fs;"],
    "CommonJS that exports names": ["main.cjs", "exports.fetch = () => new Response('x');"],
    "CommonJS that only requires": ["main.cjs", "require('http').createServer(() => {}).listen(80);"],
    "CommonJS with types": ["main.cts", "const fs: any = require('fs'); module.exports = () => typeof fs;"],
  };
  for (const [what, [name, code]] of Object.entries(names)) {
    it(`is ${name} if it is ${what}`, async () => assert.equal(await nameOf(code), name));
  }
});

describe("CommonJS in a project", () => {
  it("is recognised where the name of the file does not tell", async () => {
    const project = await projectOf({
      "index.js": "module.exports = require('./a');",
      "a.js": "exports.a = 1;",
    });
    assert.ok(Object.values(configOf(project).unstable!).includes("detect-cjs"));
    const named = await projectOf({ "index.cjs": "module.exports = 1;", "b.ts": "" });
    assert.ok(!Object.values(configOf(named).unstable!).includes("detect-cjs"));
  });

  it("gets the packages that it requires and nothing declares", async () => {
    const project = await projectOf({
      "main.cjs":
        "require('lodash/add'); require('fs'); require('./a'); require('@a/b'); require('zod'); require('ms');",
      "a.cjs": "require('deep');",
      "b.ts": 'import "npm:ms@2.1.3/x";',
      "package.json": '{ "dependencies": { "zod": "4" } }',
    });
    assert.deepEqual(configOf(project).imports, {
      lodash: "npm:lodash",
      "@a/b": "npm:@a/b",
      ms: "npm:ms@2.1.3",
      deep: "npm:deep",
    });
  });
});
