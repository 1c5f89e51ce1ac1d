import assert from "node:assert/strict";
import { LABELS } from "../../platform/kubernetes/objects/names.ts";
import { tarOf } from "../runtimes/deno/build/building.ts";
import { eventually } from "../support/eventually.ts";
import { Installation } from "./installation.ts";

/** Reads a file beside the module, starts a worker, and imports a package of the archive and a computed path. */
const project = (version: string) => ({
  "shop/main.ts": `
    import shout from "@team/shout";
    const answer = async (name: string): Promise<unknown> => {
      if (name === "file") return Deno.readTextFile(new URL("./page.html", import.meta.url));
      if (name === "text") return (await import(\`./texts/\${"de"}.ts\`)).default;
      if (name === "later") return Deno.readTextFile(new URL("./only-${version}.txt", import.meta.url)).catch(() => "none");
      if (name === "exit") Deno.exit(3);
      if (name === "package") return shout(String(import.meta.main));
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      const { promise, resolve } = Promise.withResolvers<unknown>();
      worker.onmessage = ({ data }) => resolve(data);
      return promise;
    };
    Deno.serve(async (request) => new Response(String(await answer(new URL(request.url).pathname.slice(1)))));`,
  "shop/page.html": `<p>${version}</p>`,
  "shop/texts/de.ts": "export default 'hallo' as string;",
  "shop/worker.ts": "postMessage('worked' as string);",
  [`shop/only-${version}.txt`]: version,
  "shop/node_modules/@team/shout/package.json": '{"name":"@team/shout","version":"1.0.0","main":"index.js"}',
  "shop/node_modules/@team/shout/index.js": "module.exports = (text) => text + '!';",
});
const ANSWERS = { file: "<p>one</p>", text: "hallo", package: "true!", worker: "worked", later: "one" };

describe("projects on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    // Left by a run that failed.
    for (const name of ["project-pool", "project-own", "project-next"])
      if ((await skiff.remove(name)) === 200) await skiff.nothingIsLeft(name);
  });
  beforeEach(() => skiff.poolIsFull());
  after(() => skiff.close());

  const answers = async (name: string, expected: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, text] of Object.entries(expected))
      assert.equal(await (await skiff.call(name, `/${path}`)).text(), text, path);
  };

  for (const [where, settings] of Object.entries({
    "a pod of the pool": "",
    "a pod of its own": "memory=256Mi",
  })) {
    it(`run in ${where} as Deno runs them, also after they slept`, async () => {
      const name = `project-${settings === "" ? "pool" : "own"}`;
      const { status, body } = await skiff.deploy(name, await tarOf(project("one")), `idle=1s&${settings}`);
      assert.equal(status, 201, JSON.stringify(body));
      await answers(name, ANSWERS);
      await skiff.asleep(name);
      await answers(name, ANSWERS);
      await skiff.remove(name);
      await skiff.nothingIsLeft(name);
    });
  }

  it("do not see the files of the version before, and are unpacked again when their container restarts", async () => {
    await skiff.deploy("project-next", await tarOf(project("one")), "min=1&memory=256Mi");
    const { status, body } = await skiff.deploy("project-next", await tarOf(project("two")));
    assert.equal(status, 200);
    await answers("project-next", { ...ANSWERS, file: "<p>two</p>", later: "two" });
    const restarts = () => {
      const pod = skiff.pods.find(
        ({ metadata: { labels = {} } }) =>
          labels[LABELS.function] === "project-next" && labels[LABELS.version] === String(body.version),
      );
      return pod?.status?.containerStatuses?.[0]?.restartCount ?? 0;
    };
    await skiff.call("project-next", "/exit");
    await eventually("its container restarts", () => restarts() === 1, 30_000);
    await answers("project-next", { ...ANSWERS, file: "<p>two</p>", later: "two" });
    await skiff.remove("project-next");
  });

  it("that do not start say why in the words of Skiff", async () => {
    const source = await tarOf({
      "main.ts": `Deno.serve(() => new Response(Deno.hostname()));\nDeno.hostname();`,
      "a.txt": "",
    });
    const { status, body } = await skiff.deploy("project-broken", source);
    assert.equal(status, 422);
    assert.match(String(body.detail), /deploy again with sys=hostname/);
    assert.match(String(body.detail), /main\.ts:2/);
    await eventually(
      "nothing is left",
      async () => (await skiff.leftovers("project-broken")).length === 0,
      60_000,
    );
  });
});
