import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { Problem } from "../../../../platform/problems.ts";
import { limits, problemOf, startBuilder, type TestBuilder, tarOf, textOf } from "./building.ts";
import { startServer, type TestServer } from "./servers.ts";

const jsrModule = `export const answer: number = 42;`;
const jsrFile = {
  size: jsrModule.length,
  checksum: `sha256-${createHash("sha256").update(jsrModule).digest("hex")}`,
};

const modules: Record<string, string> = {
  "/lib/typed.ts": `import { half } from "./half.js";\nexport const typed: number = half * 2;\nexport function boom() {\n  throw new Error("boom");\n}`,
  "/lib/half.js": `import data from "../data.json" with { type: "json" }; export const half = data.half;`,
  "/data.json": `{"half": 21}`,
  "/broken.js": `export const a = ;`,
  "/nested.js": `export * from "http://127.0.0.1:1/x.js";`,
  "/@skiff/answer/meta.json": JSON.stringify({
    scope: "skiff",
    name: "answer",
    latest: "1.0.0",
    versions: { "1.0.0": {} },
  }),
  "/@skiff/answer/1.0.0_meta.json": JSON.stringify({
    manifest: { "/mod.ts": jsrFile },
    exports: { ".": "./mod.ts" },
  }),
  "/@skiff/answer/1.0.0/mod.ts": jsrModule,
};

describe("building a source with outside imports", function () {
  this.timeout(60_000);
  let test: TestBuilder;
  let server: TestServer;
  let neighbour: TestServer;
  const hanging = new Set<ServerResponse>();
  let breaks = 0;

  before(async () => {
    neighbour = await startServer(() => "export const secret = 1;");
    server = await startServer((path) => {
      if (path.startsWith("/hang/")) return (_, response) => void hanging.add(response);
      if (path === "/shaky.js" && breaks-- > 0) return (_, response) => void response.destroy();
      const target = { "/moved.js": "/lib/half.js", "/away.js": `${neighbour.url}/x.js` }[path];
      if (target) return (_, response) => response.writeHead(302, { location: target }).end();
      return modules[path];
    });
    test = await startBuilder({
      importHosts: [server.host],
      env: { ...process.env, JSR_URL: `${server.url}/` },
    });
  });
  after(async () => {
    await test.close();
    await server.close();
    await neighbour.close();
  });

  const untilHanging = async (count: number) => {
    const deadline = AbortSignal.timeout(20_000);
    while (hanging.size < count) {
      deadline.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it("tries again when a download breaks off", async () => {
    modules["/shaky.js"] = "export default 'whole';";
    breaks = 2;
    const { default: whole } = await test.load(`export { default } from "${server.url}/shaky.js";`);
    assert.equal(whole, "whole");
    assert.ok(breaks < 0);
  });

  it("installs packages from npm, as modules and as CommonJS", async () => {
    const source = `
      import { Hono } from "npm:hono@4.9.0";
      import ms from "npm:ms@2.1.3";
      const app = new Hono().get("/", (context) => context.text(ms(60_000)));
      const answer = await app.request("/");
      console.log(await answer.text());
      export default app;`;
    assert.equal((await test.run(source)).stdout, "1m\n");
  });

  it("installs what a dynamic import names, and lets a computed one of anything else fail when it runs", async () => {
    const source = `
      const { default: ms } = await import("npm:ms@2.1.3");
      const names = ["ms@2.1.3", "hono@4.9.0"];
      const computed = names.map((name) => import("npm:" + name).then(() => "there", (error) => error.name));
      console.log(ms(1000), ...await Promise.all(computed));`;
    assert.equal((await test.run(source)).stdout, "1s there TypeError\n");
  });

  it("takes packages that deno.json names, and JSX with a library from npm", async () => {
    const source = await tarOf({
      "deno.json": `{"imports": {"preact": "npm:preact@10.27.0", "ms": "npm:ms@2.1.3"}, "compilerOptions": {"jsxImportSource": "preact"}}`,
      "main.tsx": `import ms from "ms";\nconsole.log((<a title={ms(1000)} />).props.title);`,
    });
    assert.equal((await test.run(source)).stdout, "1s\n");
  });

  it("keeps modules from an allowed host, with what they import and where they redirect to", async () => {
    const source = `
      import { typed } from "${server.url}/lib/typed.ts";
      import { half } from "${server.url}/moved.js";
      export const all = [typed, half];`;
    assert.deepEqual((await test.load(source)).all, [42, 21]);
  });

  it("keeps packages from JSR", async () => {
    assert.equal((await test.load(`export { answer } from "jsr:@skiff/answer@1";`)).answer, 42);
  });

  it("leads a stack to the user's lines and to the modules' names", async () => {
    const source = `interface A { a: 1 }\nimport { boom } from "${server.url}/lib/typed.ts";\n\nboom();`;
    const { stderr } = await test.run(source);
    assert.match(stderr, /main\.ts:4:1/);
    assert.match(stderr, /lib\/typed\.ts:4:9/);
    assert.doesNotMatch(textOf(await test.build(source)), /skiff-build-/);
  });

  const failures: Record<string, [() => string, RegExp]> = {
    "an unknown package": [() => "npm:skiff-no-such-package-7f3a", /there is no package npm:skiff-no/],
    "an unknown version": [() => "npm:ms@99", /there is no version 99 of npm:ms/],
    "an unknown file of a package": [
      () => "npm:ms@2.1.3/gone.js",
      /"npm:ms@2\.1\.3\/gone\.js": the package has no such file or export/,
    ],
    "a module that is not there": [() => `${server.url}/gone.js`, /"http:\S+\/gone\.js" does not exist/],
    "a redirect to a refused host": [
      () => `${server.url}/away.js`,
      /imports from 127\.0\.0\.1:\d+ are refused/,
    ],
    "a host that is not allowed": [() => "https://example.com/x.js", /imports from example\.com are refused/],
    "plain http from a public host": [() => "http://esm.sh/ms", /imports from esm\.sh:80 are refused/],
    "a neighbour": [() => `${neighbour.url}/x.js`, /are refused/],
    "the metadata service": [() => "https://169.254.169.254/x.js", /are refused/],
    "a module that imports from a refused host": [
      () => `${server.url}/nested.js`,
      /imports from 127\.0\.0\.1:1 are refused.* \(in http:\S+\/nested\.js:1:15\)/,
    ],
    "a module with a syntax error": [
      () => `${server.url}/broken.js`,
      /Expression expected \(in http:\S+\/broken\.js:1:18\)/,
    ],
    "a package whose version is a URL": [() => `npm:x@${neighbour.url}/x.tgz`, /names no package/],
    "an unknown package on JSR": [() => "jsr:@skiff/gone@1", /there is no package jsr:@skiff\/gone/],
  };
  for (const [what, [specifier, pattern]] of Object.entries(failures)) {
    it(`gives the place of the import of ${what}`, async () => {
      const source = await tarOf({
        "main.ts": `import "npm:ms@2.1.3";\nimport "./lib/a.ts";`,
        "lib/a.ts": `type A = 1;\n  import x from "${specifier()}"; console.log(x);`,
      });
      const { detail, extensions } = await problemOf(test.build(source), "build_failed");
      assert.match(detail, pattern);
      const { file, line, column } = extensions.errors![0]!;
      assert.deepEqual({ file, line, column }, { file: "lib/a.ts", line: 2, column: 17 });
      assert.doesNotMatch(detail, /skiff-build-|file:\/\//);
      assert.deepEqual(neighbour.hits, []);
    });
  }

  it("ends a build at its deadline, names the limit, and ends what it started", async () => {
    const hasty = await startBuilder({
      directory: test.directory,
      importHosts: [server.host],
      limits: { ...limits, buildMs: 1_500 },
    });
    const building = problemOf(hasty.build(`import "${server.url}/hang/deadline.js";`), "build_failed");
    await untilHanging(1);
    const [response] = hanging;
    const closed = once(response!, "close");
    assert.match((await building).detail, /took over 1\.5 s \(SKIFF_BUILD_TIMEOUT\)/);
    await closed;
    hanging.clear();
    await hasty.close();
  });

  it("ends a build whose client left", async () => {
    const leaving = new AbortController();
    const building = test.build(`import "${server.url}/hang/left.js";`, leaving.signal);
    const rejected = assert.rejects(building, /the client left/);
    await untilHanging(1);
    const closed = once([...hanging][0]!, "close");
    leaving.abort(new Error("the client left"));
    await rejected;
    await closed;
    hanging.clear();
  });

  it("runs two at a time, and the others after them", async () => {
    let most = 0;
    const names = ["a", "b", "c", "d"];
    const building = names.map((name) => test.build(`export * from "${server.url}/hang/${name}.js";`));
    for (let answered = 0; answered < names.length; answered++) {
      await untilHanging(Math.min(2, names.length - answered));
      most = Math.max(most, hanging.size);
      const [response] = hanging;
      hanging.delete(response!);
      response!.writeHead(200, { "content-type": "text/javascript" }).end(`export const n = ${answered};`);
    }
    assert.equal((await Promise.all(building)).length, 4);
    assert.equal(most, 2);
  });

  it("rejects builds under way when it closes, and leaves no folder of a build", async () => {
    const closing = await startBuilder({ directory: test.directory, importHosts: [server.host] });
    const building = problemOf(closing.build(`import "${server.url}/hang/closing.js";`), "draining");
    await untilHanging(1);
    await closing.builder.close();
    await building;
    hanging.clear();
    assert.deepEqual(await readdir(join(test.directory, "builds")), []);
    await closing.close();
  });

  it("keeps its folder from other users", async () => {
    assert.equal((await stat(test.directory)).mode & 0o777, 0o700);
  });

  it("fails as a fault of the platform, not of the source, if Deno is not there", async () => {
    const broken = await startBuilder({ deno: "/nonexistent/deno" });
    const error = await broken.build(`import "npm:ms@2.1.3";`).catch((error: unknown) => error);
    assert.ok(error instanceof Error && !(error instanceof Problem), String(error));
    await broken.close();
  });
});
