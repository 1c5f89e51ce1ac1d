import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipOf } from "./runtimes/deno/build/building.ts";
import { eventually } from "./support/eventually.ts";
import { SkiffClient } from "./support/skiff/skiff-client.ts";
import { SkiffProgram } from "./support/skiff/skiff-program.ts";

const CANARY = "CANARY5e2c";

/** Uses everything that only a folder has: files, a worker, a computed import, its role as the main module. */
const PROJECT = (mark: string) => ({
  "main.ts": `
    const read = (path: string) => Deno.readTextFileSync(new URL(path, import.meta.url));
    const tried = async (work: () => unknown) => { try { return await work(); } catch (error) { return (error as Error).name; } };
    const inWorker = () => new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }) => { resolve(data); worker.terminate(); };
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    const isMain = import.meta.main;
    export default async (request: Request) => {
      const name = new URL(request.url).searchParams.get("name");
      return {
        page: read("./pages/page.txt"), near: Deno.readTextFileSync("pages/page.txt"),
        worker: await inWorker(), text: await tried(async () => (await import(\`./texts/\${name}.ts\`)).text), isMain,
        own: await tried(() => Deno.writeTextFileSync(new URL("./pages/page.txt", import.meta.url), "mine")),
        other: await tried(() => read("./only-first.txt")),
      };
    };`,
  "worker.ts": `import { half } from "./half.ts"; postMessage(half * 2);`,
  "half.ts": "export const half: number = 21;",
  "texts/en.ts": `export const text: string = "hello";`,
  "pages/page.txt": mark,
});
const expected = (mark: string) => ({
  ...{ page: mark, near: mark, worker: 42, text: "hello", isMain: true },
  ...{ own: "NotCapable", other: "NotFound" },
});

for (const isolation of ["auto", "permissions"]) {
  describe(`projects, with isolation ${isolation}`, function () {
    this.timeout(60_000);
    let folder: string;
    let program: SkiffProgram | undefined;
    let url: string;
    let client: SkiffClient;
    const start = async () => {
      program = new SkiffProgram(folder, { env: { SKIFF_ISOLATION: isolation } });
      url = await program.url();
      client = new SkiffClient(url);
    };
    beforeEach(async () => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-projects-")));
      await start();
    });
    afterEach(async () => {
      await program?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    /** Makes a version with other settings and the same source. */
    const configure = async () => {
      const init = {
        method: "PATCH",
        body: `{"env": {"KEY": "value"}}`,
        headers: { "content-type": "application/json" },
      };
      return (await fetch(`${url}/func/shop`, init)).status;
    };
    const answer = async (name = "shop") => JSON.parse(await client.call(`${name}?name=en`));

    it("have their files, workers, computed imports and the role of the main module", async () => {
      assert.equal(await client.deploy("shop", zipOf(PROJECT("first"))), 201);
      assert.deepEqual(await answer(), expected("first"));
      assert.deepEqual(JSON.parse(await client.call("shop?name=none")).text, "TypeError");
    });

    it("never see a file of an earlier source, and are the same with other settings", async () => {
      assert.equal(await client.deploy("shop", zipOf({ ...PROJECT("first"), "only-first.txt": "1" })), 201);
      assert.equal((await answer()).other, "1");
      assert.equal(await client.deploy("shop", zipOf(PROJECT("second"))), 200);
      assert.deepEqual(await answer(), expected("second"));
      assert.equal(await configure(), 200);
      assert.deepEqual(await answer(), expected("second"));
    });

    it("are there after kill -9, for a call and for other settings", async () => {
      assert.equal(await client.deploy("shop", zipOf(PROJECT("kept"))), 201);
      program!.signal("SIGKILL");
      await program!.ended();
      await start();
      assert.deepEqual(await answer(), expected("kept"));
      assert.equal(await configure(), 200);
      assert.deepEqual(await answer(), expected("kept"));
    });

    it("leave no file when their function is removed", async () => {
      assert.equal(await client.deploy("shop", zipOf(PROJECT("removed"))), 201);
      assert.deepEqual(await answer(), expected("removed"));
      const files = join(folder, "functions", "shop");
      assert.ok(existsSync(files));
      await fetch(`${url}/func/shop`, { method: "DELETE" });
      await eventually("the files are gone", () => !existsSync(files));
    });

    it("cannot read a file of the machine, and no answer of a deploy shows one", async () => {
      const secrets = realpathSync(mkdtempSync(join(tmpdir(), "skiff-secrets-")));
      try {
        writeFileSync(join(secrets, "s.js"), `export default "${CANARY}";`);
        writeFileSync(join(secrets, "s.json"), JSON.stringify({ secret: CANARY }));
        writeFileSync(join(secrets, "broken.js"), `root ${CANARY}`);
        const up = "..%2f".repeat(12);
        for (const statement of [
          `import a from "${secrets}/s.js";`,
          `import a from "./${up}${secrets}/s.js";`,
          `import a from "./${up}${secrets}/s.json" with { type: "json" };`,
          `import a from "data:text/javascript,export%20{default}%20from%20%22file://${secrets}/s.js%22";`,
          `import a from "${secrets}/broken.js";`,
        ]) {
          const source = `${statement} export default () => JSON.stringify(a);`;
          const response = await fetch(`${url}/func?name=thief`, { method: "POST", body: source });
          assert.equal(response.status, 422, statement);
          assert.equal((await response.text()).includes(CANARY), false, statement);
        }
        const code = `const paths = ${JSON.stringify([`${secrets}/s.js`, `./${up}${secrets}/s.js`])};
          export default async () => await Promise.all(paths.map((path) => import(path).then((all) => all.default, (error) => error.message)));`;
        for (const source of [code, zipOf({ "main.js": code })]) {
          await fetch(`${url}/func?name=thief`, { method: "POST", body: source as BodyInit });
          assert.doesNotMatch(await client.call("thief"), new RegExp(CANARY));
        }
      } finally {
        rmSync(secrets, { recursive: true });
      }
    });

    for (const type of ["text", "bytes", "json"]) {
      it(`fetch nothing that they import with a computed URL and the type ${type}`, async () => {
        let requests = 0;
        const server = createServer((_, response) => {
          requests++;
          response.setHeader("content-type", "application/json").end('"secret"');
        });
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.json`;
        const main = `export default async () => {
          try { return (await import("" + ${JSON.stringify(target)}, { with: { type: "${type}" } })).default; }
          catch (error) { return String(error); }
        };`;
        try {
          const source = zipOf({ "main.ts": main, "a.txt": "" });
          assert.equal(await client.deploy("fetcher", source, "net=none"), 201);
          assert.match(
            await client.call("fetcher"),
            /remote specifier|not allowed|NotCapable|Requires|--no-remote/,
          );
          assert.equal(requests, 0);
        } finally {
          server.close();
        }
      });
    }

    it("leave nothing of a deploy that failed", async () => {
      assert.equal(
        await client.deploy("shop", zipOf({ "main.ts": "throw new Error('no')", "a.ts": "" })),
        422,
      );
      await eventually("the files are gone", () => readdirSync(join(folder, "functions")).length === 0);
    });
  });
}
