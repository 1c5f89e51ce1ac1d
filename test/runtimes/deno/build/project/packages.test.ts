import assert from "node:assert/strict";
import { problemOf } from "../building.ts";
import { configOf, jsonOf, projectOf } from "./running.ts";

const main = "export default () => 1;";
const withPackage = (manifest: unknown, more: Record<string, string> = {}) =>
  projectOf({ "main.ts": main, "package.json": JSON.stringify(manifest), ...more });
const refusalOf = async (manifest: unknown, more: Record<string, string> = {}) =>
  (await problemOf(withPackage(manifest, more), "invalid_source")).detail;

describe("package.json of a project", () => {
  it("keeps what modules mean, and what they depend on", async () => {
    const { files, roots } = await withPackage(
      {
        name: "shop",
        type: "module",
        imports: { "#lib/*": "./lib/*.ts" },
        overrides: { a: "1.0.0" },
        scripts: { build: "x" },
        dependencies: { a: "^1.0.0", b: "npm:other@2", c: "latest", d: ">=1 <2 || 3" },
        optionalDependencies: { e: "1" },
      },
      { "lib/a.ts": main },
    );
    assert.deepEqual(jsonOf(files, "package.json"), {
      name: "shop",
      type: "module",
      imports: { "#lib/*": "./lib/*.ts" },
      overrides: { a: "1.0.0" },
      dependencies: { a: "^1.0.0", b: "npm:other@2", c: "latest", d: ">=1 <2 || 3" },
    });
    assert.deepEqual(roots, ["main.ts", ".skiff/dependencies.mjs"]);
    const root = new TextDecoder().decode(files.get(".skiff/dependencies.mjs"));
    assert.deepEqual(root.split("\n").sort(), [
      "",
      'import "a";',
      'import "b";',
      'import "c";',
      'import "d";',
    ]);
  });

  it("has the development dependencies that a source mentions", async () => {
    const { files } = await projectOf({
      "main.ts": 'import { z } from "zod/v4"; import x from "@a/b";',
      "package.json":
        '{ "devDependencies": { "zod": "4", "@a/b": "1", "vite": "7", "tool": "git+ssh://x" } }',
    });
    assert.deepEqual(jsonOf(files, "package.json").dependencies, { zod: "4", "@a/b": "1" });
  });

  it("takes the versions of dependencies from a package-lock.json of the same requirements", async () => {
    const dependencies = { a: "^1.0.0", b: "npm:other@2", c: "^3.0.0", d: "1" };
    const { files } = await withPackage(
      { dependencies },
      {
        "package-lock.json": JSON.stringify({
          packages: {
            "": { dependencies: { ...dependencies, c: "^2.0.0" } },
            "node_modules/a": { version: "1.2.3", resolved: "http://127.0.0.1/a.tgz" },
            "node_modules/b": { name: "other", version: "2.1.0" },
            "node_modules/c": { version: "2.0.0" },
            "node_modules/d": { version: "http://127.0.0.1/d.tgz" },
          },
        }),
      },
    );
    assert.deepEqual(jsonOf(files, "package.json").dependencies, {
      ...{ a: "1.2.3", b: "npm:other@2.1.0", c: "^3.0.0", d: "1" },
    });
  });

  for (const version of [
    "git+https://github.com/a/b.git",
    "a/b",
    "https://x.example/a.tgz",
    "catalog:",
    "workspace:*",
  ]) {
    it(`refuses the version ${version}`, async () => {
      const detail = await refusalOf({ dependencies: { lib: version } });
      assert.match(
        detail,
        /^package\.json: dependencies: "lib" is ".*", which is not a version of a registry/,
      );
    });
  }

  it("refuses folders that leave the source or are no package", async () => {
    assert.match(await refusalOf({ dependencies: { lib: "file:../lib" } }), /"\.\.\/lib" leaves the source/);
    assert.match(
      await refusalOf({ dependencies: { lib: "file:./lib" } }),
      /must be a folder of the source with a package\.json/,
    );
    assert.match(await refusalOf({ workspaces: ["../*"] }), /workspaces: "\.\.\/\*" leaves the source/);
    assert.match(await refusalOf({ workspaces: ["*".repeat(200)] }), /has over 4 stars/);
    assert.match(await refusalOf({ dependencies: ["a"] }), /dependencies must be an object/);
    assert.match(await refusalOf({ dependencies: { a: 1 } }), /"a" must be a text/);
  });

  it("accepts any version of a package that the archive has, and asks no registry for it", async () => {
    const { files, roots } = await withPackage(
      { dependencies: { lib: "github:a/b" } },
      { "node_modules/lib/package.json": '{ "name": "lib" }', "node_modules/lib/index.js": "" },
    );
    assert.deepEqual(jsonOf(files, "package.json").dependencies, {});
    assert.deepEqual(roots, ["main.ts"]);
  });

  it("gives the root what one in the folder of the entry depends on", async () => {
    const { files } = await projectOf(
      {
        "api/x.ts": main,
        "api/package.json": '{ "name": "api", "dependencies": { "zod": "4" } }',
        "r.md": "",
      },
      "api/x.ts",
    );
    assert.deepEqual(jsonOf(files, "package.json"), { dependencies: { zod: "4" } });
  });
});

describe("a main module in a member of a workspace", () => {
  it("gets the packages of the archive and of the root, and none of the same name from the registry", async () => {
    const project = await projectOf(
      {
        "package.json": '{ "workspaces": { "packages": ["packages/*"] }, "dependencies": { "ms": "2.1.3" } }',
        "packages/api/package.json":
          '{ "name": "api", "dependencies": { "is-odd": "^1.0.0", "own": "workspace:*" }, "optionalDependencies": { "absent": "1" } }',
        "packages/api/main.ts":
          'import odd from "is-odd"; import ms from "ms"; export default () => odd + ms;',
        "packages/lib/package.json": '{ "name": "is-odd", "version": "1.0.0", "exports": "./i.ts" }',
        "packages/lib/i.ts": main,
        "packages/own/package.json": '{ "name": "own", "exports": "./i.ts" }',
        "packages/own/i.ts": main,
      },
      "packages/api/main.ts",
    );
    const { files, roots } = project;
    assert.deepEqual(jsonOf(files, "package.json"), { dependencies: { ms: "2.1.3" } });
    assert.deepEqual(roots, ["packages/api/main.ts", ".skiff/dependencies.mjs"]);
    assert.equal(configOf(project).imports?.["is-odd"], "./packages/lib/i.ts");
  });
});

describe("packages in the archive", () => {
  const importsOf = async (source: string, files: Record<string, string>) =>
    configOf(await projectOf({ "main.ts": source, ...files })).imports;

  it("are mapped for what the sources import of them", async () => {
    const files = {
      "node_modules/@team/a/package.json":
        '{ "exports": { ".": { "types": "./t.d.ts", "browser": "./b.js", "import": "./m.js" }, "./x/*": "./lib/*.js" } }',
      "node_modules/@team/a/m.js": "",
      "node_modules/@team/a/lib/deep/y.js": "",
      "node_modules/old/package.json": '{ "main": "./lib" }',
      "node_modules/old/lib/index.js": "",
      "node_modules/old/extra.js": "",
      "node_modules/unused/package.json": "{}",
      "node_modules/unused/index.js": "",
    };
    const source =
      'import "@team/a"; import "@team/a/x/deep/y"; import "old"; import "old/extra"; import "@team/a/none"';
    assert.deepEqual(await importsOf(source, files), {
      "@team/a": "./node_modules/@team/a/m.js",
      "@team/a/x/deep/y": "./node_modules/@team/a/lib/deep/y.js",
      old: "./node_modules/old/lib/index.js",
      "old/extra": "./node_modules/old/extra.js",
    });
  });

  it("have the runtime of JSX mapped, which no source mentions", async () => {
    const imports = await importsOf("", {
      "deno.json": '{ "compilerOptions": { "jsxImportSource": "mini" } }',
      "node_modules/mini/package.json": '{ "exports": { "./jsx-runtime": "./jsx.js" } }',
      "node_modules/mini/jsx.js": "",
    });
    assert.deepEqual(imports, { "mini/jsx-runtime": "./node_modules/mini/jsx.js" });
  });

  it("get what they depend on and the archive does not have from the registry", async () => {
    const { files } = await projectOf({
      "main.ts": 'import "a";',
      "node_modules/a/package.json": '{ "dependencies": { "b": "1", "c": "2", "d": "3" } }',
      "node_modules/a/node_modules/b/package.json": "{}",
      "node_modules/c/package.json": "{}",
    });
    assert.deepEqual(jsonOf(files, "package.json"), { dependencies: { d: "3" } });
  });

  it("are those of a workspace as well: TypeScript where it is, JavaScript in node_modules", async () => {
    const project = await projectOf({
      "main.ts": 'import "ts-lib"; import "js-lib"; import "linked";',
      "package.json":
        '{ "workspaces": ["packages/*", "!packages/not"], "dependencies": { "ts-lib": "workspace:^", "linked": "link:other" } }',
      "packages/ts/package.json":
        '{ "name": "ts-lib", "main": "src/index.ts", "dependencies": { "zod": "4" } }',
      "packages/ts/src/index.ts": "",
      "packages/js/package.json": '{ "name": "js-lib" }',
      "packages/js/index.js": "",
      "packages/not/package.json": '{ "name": "not", "dependencies": { "x": "1" } }',
      "other/package.json": '{ "name": "other" }',
      "other/index.js": "",
    });
    assert.deepEqual(configOf(project).imports, {
      "ts-lib": "./packages/ts/src/index.ts",
      "js-lib": "./node_modules/js-lib/index.js",
      linked: "./node_modules/linked/index.js",
    });
    assert.ok(project.files.has("node_modules/js-lib/index.js"));
    assert.deepEqual(jsonOf(project.files, "package.json"), { dependencies: { zod: "4" } });
  });
});

describe("an .npmrc in the archive", () => {
  it("never reaches Deno", async () => {
    const { files } = await projectOf({
      "main.ts": main,
      ".npmrc": "; team\nsave-exact = true\nregistry=https://registry.npmjs.org/\n",
    });
    assert.ok(!files.has(".npmrc"));
  });

  for (const line of [
    "registry=http://10.0.0.1/",
    "@team:registry = https://x.example",
    "//x.example/:_authToken=abc",
  ]) {
    it(`is refused for ${line}`, async () => {
      const refused = projectOf({ "main.ts": main, "sub/.npmrc": `a=b\n${line}` });
      assert.match(
        (await problemOf(refused, "invalid_source")).detail,
        /^sub\/\.npmrc sets .*NPM_CONFIG_REGISTRY/,
      );
    });
  }
});
