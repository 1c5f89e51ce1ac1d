import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Problem } from "../../../../platform/problems.ts";
import type { WallKind } from "../../../../runtimes/deno/walls/build-wall.ts";
import { partOfDay } from "../../../support/selection/part-of-day.ts";
import { needsWall } from "../../../support/skiff/walls.ts";
import { limits as defaults, startBuilder, type TestBuilder, textOf } from "./building.ts";
import { type FakePackage, startRegistry, startServer, type TestServer } from "./servers.ts";

const CANARY = "CANARY9b1d";
const MIB = 1024 ** 2;
const BUILD_MS = 6_000;
const limits = { ...defaults, buildMs: BUILD_MS };
const MOST_MS = BUILD_MS + 20_000;

const map = (members: object) => JSON.stringify({ version: 3, names: [], mappings: "AAAA", ...members });
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join("");

/** Sends the same piece until nobody takes it any more. */
function endless(response: ServerResponse, piece: string, type = "text/javascript"): void {
  response.writeHead(200, { "content-type": type });
  const send = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", send);
  send();
}

describe("hostile packages and servers", function () {
  this.timeout(120_000);
  let secrets: string;
  let server: TestServer;
  let registry: TestServer;
  let warm: TestBuilder;
  const piece = "a".repeat(64 * 1024);

  /** Packages that name files of the machine as their maps, in every way that there is. SECRETS is where. */
  const mapped: Record<string, FakePackage> = {
    "map-by-path": { files: { "index.js": "exports.a = 1;\n//# sourceMappingURL=SECRETS/s.js.map" } },
    "map-by-url": { files: { "index.js": "exports.a = 1;\n//# sourceMappingURL=file://SECRETS/s.js.map" } },
    "map-by-steps": {
      files: { "index.js": `exports.a = 1;\n//# sourceMappingURL=${"../".repeat(20)}SECRETS/s.js.map` },
    },
    "map-in-a-comment": { files: { "index.js": "exports.a = 1;\n/*# sourceMappingURL=SECRETS/s.js.map */" } },
    "map-of-a-module": {
      files: { "index.mjs": "export const a = 1;\n//# sourceMappingURL=SECRETS/s.js.map" },
      manifest: { main: "index.mjs" },
    },
    "map-of-a-style": {
      files: {
        "index.mjs": `import "./a.css"; export const a = 1;`,
        "a.css": "a{}\n/*# sourceMappingURL=SECRETS/s.js.map */",
      },
      manifest: { main: "index.mjs" },
    },
    "map-that-is-no-map": { files: { "index.js": "exports.a = 1;\n//# sourceMappingURL=SECRETS/shadow" } },
    "map-with-sections": {
      files: {
        "index.js": "exports.a = 1;\n//# sourceMappingURL=index.js.map",
        "index.js.map": `{"version":3,"sections":[{"offset":{"line":0,"column":0},"url":"SECRETS/s.js.map"}]}`,
      },
    },
    "map-with-a-source": {
      files: {
        "index.js": "exports.a = 1;\n//# sourceMappingURL=index.js.map",
        "index.js.map": map({ sources: ["SECRETS/s.js"], sourceRoot: "/" }),
      },
    },
    "map-of-the-user": {
      files: {
        "index.js": "exports.a = 1;\n//# sourceMappingURL=index.js.map",
        "index.js.map": map({
          sources: ["../../../../../../main.ts", "main.ts"],
          sourcesContent: [null, null],
        }),
      },
    },
    "map-in-the-environment": {
      files: { "index.js": "exports.a = 1;\n//# sourceMappingURL=/proc/self/environ" },
    },
    "map-without-an-end": { files: { "index.js": "exports.a = 1;\n//# sourceMappingURL=/dev/zero" } },
  };

  /** Those that may not build: what they name stops the build, behind some walls at least. */
  const mayFail = ["map-of-a-style", "map-that-is-no-map", "map-in-the-environment", "map-without-an-end"];

  const large: Record<string, FakePackage> = {
    "nested-code": { files: { "index.js": `${"{".repeat(50_000)}${"}".repeat(50_000)}` } },
    "nested-data": {
      files: {
        "index.js": `exports.a = require("./a.json");`,
        "a.json": `${"[".repeat(500_000)}${"]".repeat(500_000)}`,
      },
    },
    "shadowed-names": { files: { "index.js": `${"{let a;".repeat(20_000)}${"}".repeat(20_000)}` } },
    "module-of-60-MiB": { files: { "index.js": `exports.a = "${"a".repeat(60 * MIB)}";` } },
    "map-of-60-MiB": {
      files: {
        "index.js": "exports.a = 1;\n//# sourceMappingURL=index.js.map",
        "index.js.map": map({ sources: ["a"], sourcesContent: ["a".repeat(60 * MIB)] }),
      },
    },
    "3000-files": {
      files: Object.fromEntries([
        ["index.js", times(3_000, (n) => `require("./a${n}.js");`)],
        ...Array.from({ length: 3_000 }, (_, n) => [`a${n}.js`, `require("./a${(n + 1) % 3_000}.js");`]),
      ]),
    },
    "2000-dependencies": {
      files: { "index.js": "" },
      manifest: {
        dependencies: Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`none-${n}`, "*"])),
      },
    },
    "itself-as-dependency": {
      files: { "index.js": `require("itself-as-dependency");` },
      manifest: { dependencies: { "itself-as-dependency": "*" } },
    },
    "exports-without-an-end": {
      files: { "index.js": "" },
      manifest: { exports: JSON.parse(`${`{"import":`.repeat(100)}"./index.js"${"}".repeat(100)}`) },
    },
    "imports-of-imports": {
      files: { "index.js": `require("#a");` },
      manifest: { imports: { "#a": "#b", "#b": "#a" } },
    },
  };

  before(async () => {
    secrets = await mkdtemp(join(tmpdir(), "skiff-secrets-"));
    await writeFile(join(secrets, "s.js"), `export const secret = "${CANARY}";`);
    await writeFile(
      join(secrets, "s.js.map"),
      map({ sources: [`${CANARY}.ts`], sourcesContent: [CANARY], names: [CANARY], sourceRoot: CANARY }),
    );
    await writeFile(join(secrets, "shadow"), `root ${CANARY}`);
    const filled = JSON.parse(JSON.stringify({ ...mapped, ...large }).replaceAll("SECRETS", secrets));
    registry = await startRegistry(filled);
    const bomb = gzipSync(Buffer.alloc(2_000 * MIB), { level: 1 });
    server = await startServer((path) => {
      if (path === "/endless.js") return (_, response) => endless(response, piece);
      if (path === "/endless.json")
        return (_, response) => endless(response, `"${piece}",`, "application/json");
      if (path === "/loop.js")
        return (_, response) => response.writeHead(302, { location: "/loop.js" }).end();
      if (path === "/bomb.js") {
        return (_, response) =>
          response
            .writeHead(200, { "content-type": "text/javascript", "content-encoding": "gzip" })
            .end(bomb);
      }
      if (path === "/hang.js") return () => {};
      if (path === "/cut.js") {
        return (_, response) =>
          response.writeHead(200, { "content-length": "1000" }).write("export {};", () => response.destroy());
      }
      const step = /^\/step-(\d+)\.js$/.exec(path)?.[1];
      // Each leads to two more, for ever.
      if (step) return `import "./step-${Number(step) * 2}.js"; import "./step-${Number(step) * 2 + 1}.js";`;
      if (path === "/many.js") return times(5_000, (n) => `import "./none-${n}.js";`);
      if (path === "/typed.ts") return `${"type A = B<".repeat(20_000)}`;
      if (path === "/map.js") return `export const a = 1;\n//# sourceMappingURL=${secrets}/s.js.map`;
      return undefined;
    });
    warm = await startBuilder();
    await warm.build(`import "npm:ms@2.1.3";`);
  });
  after(async () => {
    await warm.close();
    await server.close();
    await registry.close();
    await rm(secrets, { recursive: true });
  });

  /** Builds, and checks what comes of it. True if it was built. */
  const check = async (builder: TestBuilder, source: string): Promise<boolean> => {
    const startedAtMs = performance.now();
    let isBuilt = true;
    const text = await builder.build(source).then(
      async (artifact) => {
        const { stdout, stderr } = await builder.execute(artifact);
        return textOf(artifact).replaceAll(secrets, "") + stdout + stderr;
      },
      (error: unknown) => {
        assert.ok(error instanceof Problem, `not a problem: ${String(error)}`);
        assert.equal(error.code, "build_failed", error.detail);
        isBuilt = false;
        return error.detail + JSON.stringify(error.extensions);
      },
    );
    const ms = performance.now() - startedAtMs;
    assert.ok(ms < MOST_MS, `took ${Math.round(ms)} ms`);
    if (process.env.FIGURES) console.log(Math.round(ms), text.slice(0, 150).replaceAll("\n", " "));
    assert.equal(text.includes(CANARY), false, text.slice(-2_000));
    assert.equal(text.includes(secrets), false, text.slice(-2_000));
    assert.deepEqual(await readdir(join(builder.directory, "builds")), []);
    return isBuilt;
  };
  const checkPackage = async (builder: TestBuilder, name: string): Promise<boolean> => {
    const isBuilt = await check(builder, `import * as a from "npm:${name}@1.0.0"; console.log(a);`);
    assert.ok(registry.hits.includes(`/${name}`), "it was not asked for");
    return isBuilt;
  };
  const checkModule = async (builder: TestBuilder, path: string, options = ""): Promise<boolean> => {
    const isBuilt = await check(
      builder,
      `import * as a from "${server.url}${path}"${options}; console.log(a);`,
    );
    assert.ok(server.hits.includes(path), "it was not asked for");
    return isBuilt;
  };

  const walls: readonly WallKind[] = process.platform === "linux" ? ["bwrap", "none"] : ["none"];
  for (const wall of walls) {
    describe(`with the wall "${wall}"`, () => {
      let victim: TestBuilder | undefined;
      before(async function () {
        if (wall !== "none") needsWall(this, wall);
        victim = await startBuilder({
          directory: warm.directory,
          walls: [wall],
          limits,
          importHosts: [server.host],
          env: { ...process.env, NPM_CONFIG_REGISTRY: `${registry.url}/`, CANARY },
        });
        await victim.builder.warm();
      });
      after(() => victim?.close());

      for (const name of Object.keys(mapped)) {
        it(`keeps files of the machine out of the artifact: ${name}`, async () => {
          const isBuilt = await checkPackage(victim!, name);
          if (!mayFail.includes(name)) assert.ok(isBuilt);
        });
      }
      it("keeps files of the machine out of the artifact: a map of a remote module", async () => {
        assert.ok(await checkModule(victim!, "/map.js"));
      });
      // Time and memory are counted in the same way behind every wall.
      if (wall !== walls.at(-1)) return;
      for (const name of partOfDay(Object.keys(large), 2)) {
        it(`ends in time: ${name}`, async () => {
          await checkPackage(victim!, name);
        });
      }
      for (const path of partOfDay(["endless", "loop", "bomb", "hang", "cut", "step-1", "many", "gone"], 2)) {
        it(`ends in time: a server with ${path}.js`, async () => {
          assert.equal(await checkModule(victim!, `/${path}.js`), false);
        });
      }
      it("ends in time: a server with endless data", async () => {
        assert.equal(await checkModule(victim!, "/endless.json", ` with { type: "json" }`), false);
      });
      it("ends in time: types without an end", async () => {
        assert.equal(await checkModule(victim!, "/typed.ts"), false);
      });
    });
  }
});
