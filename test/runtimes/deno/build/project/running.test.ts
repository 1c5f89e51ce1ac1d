import assert from "node:assert/strict";
import { filesOf, run } from "./running.ts";

/** `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))` */
const ADD_WASM = Buffer.from(
  "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b",
  "hex",
);

interface Case {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly answer: string;
}

const cases: Readonly<Record<string, Case>> = {
  "an import map in a file of its own, and a folder vendor": {
    files: {
      "deno.json": '{ "importMap": "./import_map.json" }',
      "import_map.json": '{ "imports": { "kit/": "./vendor/" } }',
      "vendor/name.ts": 'import d from "./d.json"; import { c } from "../c.ts"; export const name = d.a + c;',
      "vendor/d.json": '{ "a": "map" }',
      "c.ts": 'export const c = "ped";',
      "main.ts":
        'import { name } from "kit/name.ts"; import { name as same } from "./vendor/name.ts"; export default () => name + (name === same);',
    },
    answer: "mappedtrue",
  },
  scopes: {
    files: {
      "deno.json": '{ "imports": { "x": "./a.ts" }, "scopes": { "./sub/": { "x": "./b.ts" } } }',
      "a.ts": 'export default "a";',
      "b.ts": 'export default "b";',
      "sub/c.ts": 'export { default } from "x";',
      "main.ts": 'import a from "x"; import b from "./sub/c.ts"; export default () => a + b;',
    },
    answer: "ab",
  },
  "endings of JavaScript, and none": {
    files: {
      "main.ts":
        'import { a } from "./lib/a.js"; import { b } from "./lib/b.jsx"; import { c } from "./lib/c.mjs"; import { d } from "./lib/d"; import { e } from "./lib"; import fs from "fs"; export default () => a + b + c + d + e + typeof fs.readFileSync;',
      "lib/a.ts": 'export const a: string = "a";',
      "lib/b.tsx": 'export const b: string = "b";',
      "lib/c.mts": 'export const c: string = "c";',
      "lib/d.ts": 'export const d: string = "d";',
      "lib/index.ts": 'export const e: string = "e";',
    },
    answer: "abcdefunction",
  },
  "aliases of tsconfig.json": {
    files: {
      "tsconfig.json":
        '{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"], "~lib/*": ["none/*", "lib/*"] } } }',
      "src/shop/price.ts": "export const price = (count: number) => count * 2;",
      "src/shop/index.ts": 'export * from "@/shop/price.js";',
      "lib/coin.ts": 'export const coin = "coins";',
      "main.ts":
        'import { price } from "@/shop"; import { coin } from "~lib/coin"; export default () => price(3) + " " + coin;',
    },
    answer: "6 coins",
  },
  "imports of package.json": {
    files: {
      "package.json": '{ "imports": { "#lib/*": "./lib/*.ts" }, "name": "shop", "version": "1.2.3" }',
      "lib/a.ts": "export const a = 1;",
      "main.ts":
        'import { a } from "#lib/a"; import { name } from "./package.json"; import text from "./text.txt"; export default () => a + name + text;',
      "text.txt": "text",
    },
    answer: "1shoptext",
  },
  "a package in the archive": {
    files: {
      "node_modules/@team/shout/package.json": '{ "name": "@team/shout", "main": "index.js" }',
      "node_modules/@team/shout/index.js": 'module.exports = (text) => text + require("mark");',
      "node_modules/mark/package.json": '{ "name": "mark", "exports": "./m.js" }',
      "node_modules/mark/m.js": 'module.exports = "!";',
      "main.ts": 'import shout from "@team/shout"; export default () => shout("hello");',
    },
    answer: "hello!",
  },
  "packages of a workspace": {
    files: {
      "package.json":
        '{ "workspaces": ["packages/*"], "dependencies": { "ts-lib": "workspace:*", "js-lib": "*" } }',
      "packages/ts/package.json": '{ "name": "ts-lib", "main": "src/index.ts" }',
      "packages/ts/src/index.ts": 'import js from "js-lib"; export const a: string = "ts " + js;',
      "packages/js/package.json": '{ "name": "js-lib" }',
      "packages/js/index.js": 'module.exports = "js";',
      "main.ts": 'import { a } from "ts-lib"; export default () => a;',
    },
    answer: "ts js",
  },
  "members of Deno's workspace": {
    files: {
      "deno.json": '{ "workspace": ["./lib"] }',
      "lib/deno.json":
        '{ "name": "@t/lib", "version": "1.0.0", "exports": "./mod.ts", "imports": { "own": "./own.ts" } }',
      "lib/mod.ts": 'export { own } from "own";',
      "lib/own.ts": 'export const own = "own";',
      "main.ts": 'import { own } from "@t/lib"; export default () => own;',
    },
    answer: "own",
  },
  "a WebAssembly module, as exports and as bytes": {
    files: {
      "add.wasm": ADD_WASM,
      "main.ts":
        'import { add } from "./add.wasm"; import bytes from "./add.wasm" with { type: "bytes" }; export default () => add(2, 3) + " " + bytes.length;',
    },
    answer: `5 ${ADD_WASM.length}`,
  },
  "an entry that package.json names, in src": {
    files: {
      "deno.json": '{ "exports": "./src/index.ts" }',
      "src/greeting.ts": "export const greeting = (path: string) => 'hello from ' + path;",
      "src/index.ts":
        'import { greeting } from "./greeting.ts"; export default { fetch: (request: Request) => new Response(greeting(new URL(request.url).pathname)) };',
    },
    answer: "hello from /a",
  },
  "CommonJS in files that do not say so": {
    files: {
      "index.js":
        'const { join } = require("path"); const { b } = require("./lib/b"); module.exports = () => join("a", b);',
      "lib/b.js": 'exports.b = "b";',
    },
    answer: "a/b",
  },
  "a single file of CommonJS": {
    files: { "main.ts": 'const { join } = require("path"); module.exports = () => join("a", "b");' },
    answer: "a/b",
  },
};

const withRegistry: Readonly<Record<string, Case>> = {
  "dependencies of package.json": {
    files: {
      "package.json":
        '{ "type": "module", "dependencies": { "zod": "~3.23.0" }, "devDependencies": { "none-such-package-x": "9.9.9" } }',
      "main.ts": 'import { z } from "zod"; export default () => z.string().safeParse("a").success;',
    },
    answer: "true",
  },
  "a dependency that is found by name at run time": {
    files: {
      "package.json": '{ "dependencies": { "ms": "2.1.3" } }',
      "main.ts":
        'import { createRequire } from "node:module"; const name = "m" + "s"; export default () => createRequire(import.meta.url)(name)("1s");',
    },
    answer: "1000",
  },
  "a package in the archive with a dependency that is not": {
    files: {
      "node_modules/priv/package.json": '{ "name": "priv", "dependencies": { "ms": "2.1.3" } }',
      "node_modules/priv/index.js": 'module.exports = require("ms")("2s");',
      "main.ts": 'import priv from "priv"; export default () => priv;',
    },
    answer: "2000",
  },
  "a single file of CommonJS with a package": {
    files: { "main.ts": 'const ms = require("ms"); module.exports = () => ms("3s");' },
    answer: "3000",
  },
  "metadata of decorators": {
    files: {
      "deno.json": '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }',
      "main.ts": `import "npm:reflect-metadata@0.2.2";
const injectable = (): ClassDecorator => () => {};
@injectable() class Engine {}
@injectable() class Car { constructor(readonly engine: Engine) {} }
export default () => (Reflect as any).getMetadata("design:paramtypes", Car)?.map((type: Function) => type.name).join();`,
    },
    answer: "Engine",
  },
  "React in the classic runtime": {
    files: {
      "main.tsx": `import React from "npm:react@19";
import { renderToString } from "npm:react-dom@19/server";
export default () => renderToString(<h1>shop</h1>);`,
    },
    answer: "<h1>shop</h1>",
  },
  "the JSX of Hono, without a pragma": {
    files: {
      "main.tsx":
        'import { Hono } from "npm:hono@4"; const app = new Hono(); app.get("/a", (c) => c.html(<b>hi</b>)); export default app;',
    },
    answer: "<b>hi</b>",
  },
};

describe("a project in Deno", function () {
  this.timeout(120_000);
  for (const [what, { files, answer }] of Object.entries({ ...cases, ...withRegistry })) {
    it(`runs with ${what}`, async () => assert.equal(await run(filesOf(files)), `answer: ${answer}`));
  }
});
