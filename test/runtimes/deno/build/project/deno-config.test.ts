import assert from "node:assert/strict";
import { problemOf } from "../building.ts";
import { configOf, projectOf } from "./running.ts";

const main = "export default () => 1;";
const configWith = async (config: string, more: Record<string, string> = {}) =>
  configOf(await projectOf({ "main.ts": main, "x.ts": main, "deno.json": config, ...more }));
const refusalOf = async (config: string, more: Record<string, string> = {}) =>
  (await problemOf(configWith(config, more), "invalid_source")).detail;

describe("deno.json of a project", () => {
  it("is always there, with the features that every project has", async () => {
    const { files } = await projectOf({ "main.ts": main, "x.ts": main });
    assert.ok(files.has("deno.json"));
    assert.deepEqual((await configWith("")).unstable, [
      "bare-node-builtins",
      "raw-imports",
      "sloppy-imports",
    ]);
  });

  it("keeps imports and scopes", async () => {
    const { imports, scopes } = await configWith(
      '{ "imports": { "a": "npm:a@1", "b/": "./b/", "c": null }, "scopes": { "./sub/": { "a": "./a.ts" } } }',
    );
    assert.deepEqual(imports, { a: "npm:a@1", "b/": "./b/", c: null });
    assert.deepEqual(scopes, { "./sub/": { a: "./a.ts" } });
  });

  it("takes in the file that importMap names, with its paths relative to the root", async () => {
    const { imports, scopes } = await configWith(
      '{ "importMap": "./maps/map.json", "imports": { "a": "./mine.ts" } }',
      {
        "maps/map.json":
          '{ "imports": { "a": "./a.ts", "b/": "../b/" }, "scopes": { "./s/": { "./x": "../y.ts" } } }',
      },
    );
    assert.deepEqual(imports, { a: "./mine.ts", "b/": "./b/" });
    assert.deepEqual(scopes, { "./maps/s/": { "./maps/x": "./y.ts" } });
  });

  it("uses an import_map.json without a deno.json, also one around the folder of the entry", async () => {
    const project = await projectOf(
      {
        "functions/import_map.json": '{ "imports": { "a": "./_shared/a.ts" } }',
        "functions/x/index.ts": main,
        "r.md": "",
      },
      "functions/x/index.ts",
    );
    assert.deepEqual(configOf(project).imports, { a: "./functions/_shared/a.ts" });
  });

  it("is the one nearest to the entry", async () => {
    const project = await projectOf(
      {
        "deno.json": '{ "imports": { "a": "npm:root" } }',
        "api/deno.json": '{ "imports": { "a": "./a.ts", "up": "../b.ts" } }',
        "api/x.ts": main,
        "api/deno.lock": "{}",
      },
      "api/x.ts",
    );
    assert.deepEqual(configOf(project).imports, { a: "./api/a.ts", up: "./b.ts" });
    assert.ok(project.files.has("deno.lock"));
  });

  it("keeps the compiler options that change what code does, and no others", async () => {
    const { compilerOptions } = await configWith(
      '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, "strict": true, "lib": ["dom"], "jsx": "react", "jsxFactory": "h", "verbatimModuleSyntax": true } }',
    );
    assert.deepEqual(compilerOptions, {
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      jsx: "react",
      jsxFactory: "h",
      verbatimModuleSyntax: true,
    });
  });

  it("keeps features that open no hole, and drops those of tools", async () => {
    const { unstable } = await configWith('{ "unstable": ["temporal", "fmt-component", "sloppy-imports"] }');
    assert.deepEqual(unstable, ["bare-node-builtins", "raw-imports", "sloppy-imports", "temporal"]);
  });

  for (const feature of [
    "kv",
    "cron",
    "ffi",
    "webgpu",
    "net",
    "fs",
    "process",
    "unsafe-proto",
    "vsock",
    "nonsense",
  ]) {
    it(`refuses the feature ${feature} by name`, async () => {
      const detail = await refusalOf(JSON.stringify({ unstable: [feature] }));
      assert.match(
        detail,
        new RegExp(`^deno.json: unstable: functions cannot have the feature "${feature}"`),
      );
    });
  }

  it("drops what means nothing to a running module, and keeps what a module may show", async () => {
    const config = await configWith(
      '{ "$schema": "x", "name": "@a/b", "version": "1.0.0", "tasks": { "dev": "x" }, "fmt": {}, "lint": {}, "test": {}, "lock": false, "nodeModulesDir": "auto", "vendor": true, "exclude": [] }',
    );
    const { name, version, ...others } = config;
    assert.deepEqual([name, version], ["@a/b", "1.0.0"]);
    assert.deepEqual(Object.keys(others).sort(), ["compilerOptions", "imports", "scopes", "unstable"]);
  });

  const refused: Record<string, [config: string, message: RegExp]> = {
    "an unknown key": ['{ "importz": {} }', /^deno\.json: the key "importz" is unknown/],
    "bad JSON": ["{ nope", /^deno\.json is not valid JSON/],
    "a list": ["[]", /^deno\.json must hold a JSON object/],
    "imports that are no object": ['{ "imports": [] }', /^deno\.json: imports must be an object/],
    "a target that is no text": ['{ "imports": { "a": 1 } }', /the target of "a" must be a text/],
    "a target outside": ['{ "imports": { "a": "../a.ts" } }', /imports: "\.\.\/a\.ts" leaves the source/],
    "a file: target": [
      '{ "imports": { "a": "file:///etc/passwd" } }',
      /"file:\/\/\/etc\/passwd" leaves the source/,
    ],
    "an absolute target": [
      '{ "scopes": { "x": { "a": "/etc/passwd" } } }',
      /scopes: "\/etc\/passwd" leaves the source/,
    ],
    "an import map outside": [
      '{ "importMap": "../map.json" }',
      /importMap: "\.\.\/map\.json" leaves the source/,
    ],
    "an import map that is not there": [
      '{ "importMap": "map.json" }',
      /importMap names "map\.json", which is not in/,
    ],
    "a remote import map": [
      '{ "importMap": "https://x.example/map.json" }',
      /is not in the source; put the file beside/,
    ],
    "links outside": ['{ "links": ["../lib"] }', /links: "\.\.\/lib" leaves the source/],
    "a workspace outside": ['{ "workspace": ["../lib"] }', /workspace: "\.\.\/lib" leaves the source/],
    "exports outside": ['{ "workspace": ["./lib"] }', /exports: "\.\.\/\.\.\/x" leaves the source/],
    "class fields that are not defined": [
      '{ "compilerOptions": { "useDefineForClassFields": false } }',
      /useDefineForClassFields is not supported: Deno always defines class fields/,
    ],
  };
  for (const [what, [config, message]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const more = { "lib/deno.json": '{ "name": "@a/lib", "exports": "../../x" }' };
      assert.match(await refusalOf(config, more), message);
    });
  }

  it("keeps links inside of the source", async () => {
    assert.deepEqual((await configWith('{ "links": ["./lib"] }')).links, ["./lib"]);
  });

  it("maps the members of a workspace, with their own imports in their folders", async () => {
    const { imports, scopes } = await configWith('{ "workspace": ["./packages/*"] }', {
      "packages/a/deno.json":
        '{ "name": "@t/a", "exports": { ".": "./mod.ts", "./x": "./x.ts" }, "imports": { "z": "npm:z@1", "b": "./b.ts" } }',
    });
    assert.deepEqual(imports, { "@t/a": "./packages/a/mod.ts", "@t/a/x": "./packages/a/x.ts" });
    assert.deepEqual(scopes, { "./packages/a/": { z: "npm:z@1", b: "./packages/a/b.ts" } });
  });
});
