import assert from "node:assert/strict";
import { problemOf } from "../building.ts";
import { configOf, projectOf } from "./running.ts";

const configWith = async (files: Record<string, string>) =>
  configOf(await projectOf({ "readme.md": "", ...files }));

describe("tsconfig.json of a project", () => {
  it("gives the compiler options that deno.json does not have", async () => {
    const project = await projectOf({
      "main.ts": "",
      "tsconfig.json":
        '{ "compilerOptions": { "experimentalDecorators": true, "jsxFactory": "x", "target": "es5" }, }',
      "deno.json": '{ "compilerOptions": { "jsxFactory": "h" } }',
    });
    assert.deepEqual(configOf(project).compilerOptions, { experimentalDecorators: true, jsxFactory: "h" });
    assert.ok(!project.files.has("tsconfig.json"), "Deno would read it for itself");
  });

  it("inherits what it extends, also from a package of the archive", async () => {
    const { compilerOptions, imports } = await configWith({
      "main.ts": 'import "@/a";',
      "src/a.ts": "",
      "tsconfig.json": '{ "extends": ["./config/base", "@team/config", "@tsconfig/node22"] }',
      "config/base.json":
        '{ "compilerOptions": { "emitDecoratorMetadata": true, "paths": { "@/*": ["../src/*"] } } }',
      "node_modules/@team/config/tsconfig.json": '{ "compilerOptions": { "experimentalDecorators": true } }',
    });
    assert.deepEqual(compilerOptions, { emitDecoratorMetadata: true, experimentalDecorators: true });
    assert.deepEqual(imports, { "@/": "./src/", "@/a": "./src/a.ts" });
  });

  it("refuses a circle, and a file that is not there", async () => {
    const circle = configWith({ "main.ts": "", "tsconfig.json": '{ "extends": "./tsconfig.json" }' });
    assert.match((await problemOf(circle, "invalid_source")).detail, /extends leads back/);
    const absent = configWith({ "main.ts": "", "tsconfig.json": '{ "extends": "./base.json" }' });
    assert.match(
      (await problemOf(absent, "invalid_source")).detail,
      /extends names \.\/base\.json, which is not/,
    );
  });

  it("maps paths: folders, names, other patterns and several targets", async () => {
    const { imports } = await configWith({
      "main.ts": 'import "~lib/a"; import "shop"; import "@two/b.js"; import "@/deep/c"',
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          baseUrl: ".",
          paths: {
            "@/*": ["src/*"],
            "~lib/*": ["lib/*"],
            shop: ["./shop/index.ts"],
            "@two/*": ["gen/*", "lib/*"],
          },
        },
      }),
      "lib/a.ts": "",
      "lib/b.ts": "",
      "shop/index.ts": "",
      "src/deep/c/index.tsx": "",
    });
    assert.deepEqual(imports, {
      "@/": "./src/",
      "@/deep/c": "./src/deep/c/index.tsx",
      "@two/b.js": "./lib/b.ts",
      shop: "./shop/index.ts",
      "~lib/": "./lib/",
      "~lib/a": "./lib/a.ts",
    });
  });

  it("looks bare imports up in baseUrl", async () => {
    const { imports } = await configWith({
      "src/main.ts": 'import "shop/price"; import "other";',
      "src/shop/price.ts": "",
      "tsconfig.json": '{ "compilerOptions": { "baseUrl": "./src" } }',
    });
    assert.deepEqual(imports, { "shop/price": "./src/shop/price.ts" });
  });

  it("prefers the map of deno.json", async () => {
    const { imports } = await configWith({
      "main.ts": 'import "@/a";',
      "a.ts": "",
      "deno.json": '{ "imports": { "@/": "./lib/" } }',
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }',
    });
    assert.equal(imports?.["@/"], "./lib/");
  });

  it("refuses paths that leave the source, and options that Deno cannot apply", async () => {
    const outside = configWith({
      "main.ts": "",
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["../*"] } } }',
    });
    assert.match(
      (await problemOf(outside, "invalid_source")).detail,
      /tsconfig\.json: paths: "\.\.\/\*" leaves the source/,
    );
    for (const option of [
      '"moduleSuffixes": [".ios", ""]',
      '"customConditions": ["x"]',
      '"useDefineForClassFields": false',
    ]) {
      const refused = configWith({ "main.ts": "", "tsconfig.json": `{ "compilerOptions": { ${option} } }` });
      assert.match(
        (await problemOf(refused, "invalid_source")).detail,
        /^tsconfig\.json: compilerOptions: \w+ is not supported/,
      );
    }
  });
});
