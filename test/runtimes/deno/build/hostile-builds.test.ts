import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../../../platform/problems.ts";
import { startBuilder, type TestBuilder, tarOf, zipOf } from "./building.ts";
import { type FakePackage, startRegistry, startServer, type TestServer } from "./servers.ts";

const CANARY = "CANARY7f3a";

/** What a build gives to the one who posted it: the bundle, or the text of its error. */
async function outcomeOf(building: Promise<string>): Promise<{ built: boolean; text: string }> {
  try {
    return { built: true, text: visible(await building) };
  } catch (error) {
    assert.ok(error instanceof Problem, `not a problem: ${String(error)}`);
    return { built: false, text: error.detail + JSON.stringify(error.extensions) };
  }
}

/** A bundle with its source map in plain text. */
function visible(code: string): string {
  const map = /base64,([\w+/=]+)\s*$/.exec(code)?.[1] ?? "";
  return code + Buffer.from(map, "base64").toString();
}

describe("building hostile code", function () {
  this.timeout(60_000);
  let test: TestBuilder;
  let neighbour: TestServer;
  /** Folder with files that no build may read; `up` leads to it from anywhere near. */
  let secrets: string;
  const up = "../".repeat(20);

  before(async () => {
    neighbour = await startServer(() => `export const secret = "${CANARY}";`);
    // With the real registry: Deno's bundler brings its esbuild from there once.
    test = await startBuilder();
    await test.build(`import "npm:ms@2.1.3";`);
    secrets = await mkdtemp(join(tmpdir(), "skiff-secrets-"));
    const map = { version: 3, sources: ["x"], sourcesContent: [CANARY], names: [], mappings: "AAAA" };
    const files = {
      "s.js": `export const secret = "${CANARY}";`,
      "s.ts": `export enum Secret { a = "${CANARY}" }`,
      "s.json": JSON.stringify({ secret: CANARY }),
      "s.txt": CANARY,
      "s.css": `/* ${CANARY} */ a { color: red }`,
      "s.js.map": JSON.stringify(map),
      plain: `exports.secret = "${CANARY}";`,
      // A parser's message about this quotes it.
      shadow: `root ${CANARY}`,
      "package.json": JSON.stringify({ name: "s", version: "1.0.0", main: "s.js" }),
      "tsconfig.json": `{"compilerOptions": {"jsxFactory": "${CANARY}"}}`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(secrets, name), text);
  });
  after(async () => {
    await test.close();
    await neighbour.close();
    await rm(secrets, { recursive: true });
  });

  const check = async (build: Promise<string>, refused: boolean) => {
    const { built, text } = await outcomeOf(build);
    assert.equal(text.includes(CANARY), false, text.slice(-2_000));
    assert.equal(text.includes(test.folder), false, text.slice(-2_000));
    assert.deepEqual(neighbour.hits, []);
    assert.equal(built, !refused, text.slice(-2_000));
  };

  /** Statements that must not build. SECRETS is the folder, UP leads to the root of the disk, #{ is ${. */
  const refused = [
    `import "file://SECRETS/s.js";`,
    `export * from "SECRETS/s.js";`,
    `import text from "SECRETS/s.txt" with { type: "text" }; console.log(text);`,
    `import json from "file://SECRETS/s.json" with { type: "json" }; console.log(json);`,
    `import bytes from "UPSECRETS/s.txt" with { type: "bytes" }; console.log(bytes);`,
    `console.log(require("SECRETS/plain"));`,
    `console.log(require("UPSECRETS/s.json"));`,
    `console.log(await import("SECRETS/s.js"));`,
    `console.log(await import("file:" + "//SECRETS/s.js"));`,
    `import x = require("SECRETS/s.js"); console.log(x);`,
    `import { secret } from "SECRETS/s"; console.log(secret);`,
    `/** @jsxImportSource SECRETS */ console.log(<a />);`,
    `import "http://NEIGHBOUR/x.js";`,
    `import "https://NEIGHBOUR/x.js";`,
    `import "http://localhost:1/x.js";`,
    `import "https://user:pass@esm.sh/ms";`,
    `import "https://[::1]/x.js";`,
    `import "data:text/javascript,export * from 'file://SECRETS/s.js'";`,
    `import "blob:nodedata:1";`,
    `import "npm:UPSECRETS";`,
    `import "npm:x@file:SECRETS";`,
    `import "npm:x@http://NEIGHBOUR/x.tgz";`,
    `import "ext:core/mod.js";`,
    `import wasm from "SECRETS/s.wasm"; console.log(wasm);`,
  ];
  /** Statements that build, and do nothing. */
  const inert = [
    `enum Path { a = "file://SECRETS/s.js" } console.log(await import(Path.a));`,
    "console.log((name) => import(`UPSECRETS/#{name}.js`));",
    "console.log((name) => import(`UPSECRETS/#{name}`));",
    "console.log((name) => import /* a */ ( /* b */ name ? `UPSECRETS/` + name : `./` + name));",
    "console.log((name) => require(`UPSECRETS/#{name}.json`));",
    "console.log((name) => r\\u0065quire(`UPSECRETS/#{name}`), (name) => require('UPSECRETS/' + name + '.txt'));",
    "enum Up { a = 'UPSECRETS/' } console.log((name) => import(Up.a + name));",
    "console.log(new URL('file://SECRETS/s.js', import.meta.url), new Worker('SECRETS/s.js'));",
    "console.log(1);\n//# sourceMappingURL=SECRETS/s.js.map",
    "console.log(process.env.CANARY, Deno.env);",
    "/// <reference path='SECRETS/s.ts' />\nconsole.log(1);",
  ];
  const fill = (text: string) =>
    text
      .replaceAll("#{", "${")
      .replaceAll("UP", up)
      .replaceAll("SECRETS", secrets)
      .replaceAll("NEIGHBOUR", neighbour.host);

  for (const source of refused) {
    it(`refuses ${source}`, () => check(test.build(fill(source)), true));
  }
  for (const source of inert) {
    it(`finds nothing for ${source}`, () => check(test.build(fill(source)), false));
  }

  const archives: Record<string, Record<string, string>> = {
    "an import map that leads to the machine": {
      "deno.json": `{"imports": {"a": "SECRETS/s.js"}}`,
      "main.ts": `import "a";`,
    },
    "an import map that leaves the archive": {
      "deno.json": `{"imports": {"a/": "UPSECRETS/"}}`,
      "main.ts": `import "a/s.js";`,
    },
    "an import map that leads to a neighbour": {
      "deno.json": `{"imports": {"a": "http://NEIGHBOUR/x.js"}}`,
      "main.ts": `import "a";`,
    },
    "a relative import that leaves the archive": {
      "main.ts": `import "./a/b.ts";`,
      "a/b.ts": `export * from "../../../x.ts";`,
    },
  };
  for (const [what, files] of Object.entries(archives)) {
    it(`refuses an archive with ${what}`, async () => {
      const filled = Object.entries(files).map(([name, text]) => [name, fill(text)]);
      await check(test.build(await tarOf(Object.fromEntries(filled))), true);
      await check(test.build(zipOf(Object.fromEntries(filled))), true);
    });
  }

  it("does not follow an enum of another file that turns into a path", async () => {
    const source = await tarOf({
      "main.ts": fill(
        `import { P } from "./a.ts"; import "npm:ms@2.1.3"; console.log(await import(P.a), (n) => import(P.b + n));`,
      ),
      "a.ts": fill(`export enum P { a = "file://SECRETS/s.js", b = "UPSECRETS/" }`),
    });
    await check(test.build(source), false);
  });

  it("does not take the environment into a bundle", async () => {
    const { build, close } = await startBuilder({
      directory: test.directory,
      env: { ...process.env, CANARY },
    });
    await check(
      build(`import "npm:ms@2.1.3"; console.log(process.env.CANARY, process.env["CANARY"]);`),
      false,
    );
    await close();
  });

  it("does not let many reports about one long line fill the memory", async () => {
    const line = `const s = "${"x".repeat(1_000_000)}";${"import(s);if(typeof s==='foo'){};".repeat(1_000)}`;
    assert.match((await outcomeOf(test.build(line))).text, /post the code with line breaks/);
    const warnings = line.replaceAll("import(s);", "");
    assert.equal((await outcomeOf(test.build(warnings))).built, true);
  });

  it("reads a deno.json that is made to take long in little time", async () => {
    for (const text of ["/*", '"', '\\"', ",  "]) {
      const source = zipOf({ "deno.json": text.repeat(200_000), "main.ts": "" });
      assert.match((await outcomeOf(test.build(source))).text, /deno\.json is not valid JSON/);
    }
  }).timeout(5_000);

  describe("in a module from an allowed host", () => {
    const modules: Record<string, string> = {
      file: `export * from "file://SECRETS/s.js";`,
      "text by pattern": "export const a = (name) => import(`UPSECRETS/#{name}.txt`);",
      "plain file by pattern": "export const a = (name) => import(`UPSECRETS/pla#{name}`);",
      "broken file by pattern": "export const a = (name) => import(`UPSECRETS/shado#{name}`);",
      neighbour: `export * from "http://NEIGHBOUR/x.js";`,
      "package that reads": `export * from "npm:ms@2.1.3/UPSECRETS/s.js";`,
    };
    let host: TestServer;
    let victim: TestBuilder;
    before(async () => {
      host = await startServer((path) => fill(modules[path.slice(1).replace(/\.js$/, "")] ?? ""));
      victim = await startBuilder({ directory: test.directory, importHosts: [host.host] });
    });
    after(async () => {
      await victim.close();
      await host.close();
    });
    for (const name of Object.keys(modules)) {
      it(`refuses ${name}`, async () => {
        const url = `${host.url}/${encodeURIComponent(name)}.js`;
        await check(victim.build(`import * as a from "${url}"; console.log(a);`), true);
        assert.ok(host.hits.includes(`/${name}.js`));
      });
    }
  });

  describe("in a package", () => {
    let registry: TestServer;
    let victim: TestBuilder;
    const js = (text: string): FakePackage => ({ files: { "index.js": text } });
    const esm = (text: string): FakePackage => ({
      files: { "index.mjs": text },
      manifest: { main: "index.mjs" },
    });
    const packages: Record<string, FakePackage> = {
      "requires-file": js(`exports.a = require("SECRETS/s.json");`),
      "requires-plain": js(`exports.a = require("SECRETS/plain");`),
      "requires-shadow": js(`exports.a = require("SECRETS/shadow");`),
      "requires-up": js(`exports.a = require("UPSECRETS/plain");`),
      "imports-file": esm(`export * from "file://SECRETS/s.js";`),
      "imports-text": esm(`import a from "SECRETS/s.txt" with { type: "text" }; export { a };`),
      "imports-text-by-ending": esm(`import a from "SECRETS/s.txt"; export { a };`),
      // Nothing of it would be in the bundle: only Deno's permissions refuse it.
      "imports-unused": esm(`import { secret } from "SECRETS/s.js"; export const a = 1;`),
      "imports-style": esm(`import "SECRETS/s.css"; export const a = 1;`),
      "imports-enum": esm(`import { Secret } from "SECRETS/s.ts"; export const a = Secret.a;`),
      "pattern-json": js("exports.a = (name) => require(`UPSECRETS/#{name}.json`);"),
      "pattern-text": esm("export const a = (name) => import(`UPSECRETS/#{name}.txt`);"),
      "pattern-plain": esm("export const a = (name) => import(`UPSECRETS/pla#{name}`);"),
      "pattern-shadow": esm("export const a = (name) => import(`UPSECRETS/shado#{name}`);"),
      "pattern-environment": esm("export const a = (name) => import(`UP/proc/self/enviro#{name}`);"),
      "lists-packages": js("exports.a = (name) => require(`../../#{name}.json`);"),
      "main-outside": { files: {}, manifest: { main: "UPSECRETS/s.js" } },
      "exports-outside": { files: {}, manifest: { exports: "./UPSECRETS/s.js" } },
      "imports-field": {
        ...js(`exports.a = require("#a");`),
        manifest: { imports: { "#a": "UPSECRETS/s.js" } },
      },
      "imports-neighbour": esm(`export * from "http://NEIGHBOUR/x.js";`),
      "depends-on-url": {
        ...js(`require("x");`),
        manifest: { dependencies: { x: "http://NEIGHBOUR/x.tgz" } },
      },
      "depends-on-folder": { ...js(`require("x");`), manifest: { dependencies: { x: "file:SECRETS" } } },
      "depends-on-git": {
        ...js(`require("x");`),
        manifest: { dependencies: { x: "git+http://NEIGHBOUR/x.git" } },
      },
      "unpacks-outside": { files: { "index.js": "", [`${"../".repeat(12)}evil.js`]: "" } },
    };
    const harmless: Record<string, FakePackage> = {
      "lifecycle-scripts": {
        ...js(`exports.a = 1;`),
        manifest: { scripts: { preinstall: "RUN", install: "RUN", postinstall: "RUN" } },
      },
      "reads-at-run-time": js(`exports.a = require("node:fs").existsSync; exports.b = process.env.CANARY;`),
      "source-map": js("exports.a = 1;\n//# sourceMappingURL=SECRETS/s.js.map"),
      "optional-dependency": js(
        `try { require("not-there") } catch {} exports.a = () => import("not-there").catch(() => 1);`,
      ),
      "own-pattern": {
        files: {
          "index.js": "exports.a = (name) => require(`./parts/#{name}.js`);",
          "parts/one.js": "exports.one = 1;",
        },
      },
    };

    before(async () => {
      const touch = `curl ${neighbour.url}/script`;
      const filled = JSON.parse(fill(JSON.stringify({ ...packages, ...harmless }).replaceAll("RUN", touch)));
      registry = await startRegistry(filled);
      victim = await startBuilder({
        directory: test.directory,
        env: { ...process.env, NPM_CONFIG_REGISTRY: `${registry.url}/`, CANARY },
      });
    });
    after(async () => {
      await victim.close();
      await registry.close();
    });

    for (const name of Object.keys(packages)) {
      it(`refuses ${name}`, () =>
        check(victim.build(`import * as a from "npm:${name}@1.0.0"; console.log(a);`), true));
    }
    for (const name of Object.keys(harmless)) {
      it(`builds ${name}`, () =>
        check(victim.build(`import * as a from "npm:${name}@1.0.0"; console.log(a);`), false));
    }
  });
});
