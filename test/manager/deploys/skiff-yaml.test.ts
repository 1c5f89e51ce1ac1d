import { strict as assert } from "node:assert";
import request from "supertest";
import type { Settings } from "../../../platform/settings/settings.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

/** An archive for the fake builder, whose `skiff.yaml` declares these settings. */
const archive = (declared: object, text = "") =>
  Buffer.from(`PK\x03\x04${text}\nSETTINGS ${JSON.stringify(declared)}\n`);

describe("manager: settings in a skiff.yaml", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const post = (body: Buffer, query = "", { url } = skiff) =>
    request(url).post(`/func?name=hello${query}`).set("content-type", "application/zip").send(body);
  const patch = (settings: object) => request(skiff.url).patch("/func/hello").send(settings);
  const settings = async (): Promise<Settings> => (await skiff.platform.find("hello"))!.settings;
  const builds = () => skiff.builder.built.length;

  it("go over those of the function and under those of the query", async () => {
    await post(archive({ min: 1, timeout: "30s" }), "&min=2&memory=256Mi").expect(201);
    const { min, timeoutMs, memoryMiB } = await settings();
    assert.deepEqual([min, timeoutMs, memoryMiB], [2, 30_000, 256]);
    await post(archive({ memory: "512Mi" }, "another")).expect(200);
    const later = await settings();
    assert.deepEqual([later.min, later.timeoutMs, later.memoryMiB], [2, 30_000, 512]);
  });

  it("take both names of a setting, and units", async () => {
    const declared = { idleMs: 2_000, memory: 256, concurrency: 5, env: { A: "a b+c" }, net: ["10.0.0.1"] };
    await post(archive({ ...declared, permissions: { sys: ["cpus"] } })).expect(201);
    const { idleMs, memoryMiB, concurrency, env, permissions } = await settings();
    assert.deepEqual([idleMs, memoryMiB, concurrency, env], [2_000, 256, 5, { A: "a b+c" }]);
    assert.deepEqual(permissions, { net: ["10.0.0.1"], sys: ["cpus"] });
    await post(archive({ net: "none", sys: null, memory: null, env: { A: null } }, "another")).expect(200);
    const later = await settings();
    assert.deepEqual([later.permissions, later.env, later.memoryMiB], [{ net: [], sys: [] }, {}, 128]);
  });

  it("are checked with those of the query together", async () => {
    await post(archive({}), "&max=2").expect(201);
    await post(archive({ max: 9 }, "two"), "&min=5").expect(200);
    const { body } = await post(archive({ max: 3 }, "three")).expect(400);
    assert.match(body.detail, /min \(5\) is greater than max \(3\)/);
    assert.equal((await settings()).max, 9);
  });

  it("need no build when the same archive comes again", async () => {
    const bytes = archive({ min: 1 });
    await post(bytes).expect(201);
    assert.equal((await post(bytes).expect(200)).body.unchanged, true);
    assert.equal((await post(bytes, "&max=3").expect(200)).body.version, 2);
    assert.equal(builds(), 1);
  });

  it("stay changed by a PATCH until the archive comes again", async () => {
    const bytes = archive({ min: 1, env: { A: "declared" } });
    await post(bytes).expect(201);
    await patch({ min: 3, env: { A: "patched", B: "b" } }).expect(200);
    await patch({ max: 7 }).expect(200);
    assert.deepEqual([(await settings()).min, (await settings()).env], [3, { A: "patched", B: "b" }]);
    assert.equal((await post(bytes).expect(200)).body.version, 4);
    const { min, max, env } = await settings();
    assert.deepEqual([min, max, env], [1, 7, { A: "declared", B: "b" }]);
    assert.equal(builds(), 1);
  });

  it("are found by a build after a restart, which changes nothing else", async () => {
    const bytes = archive({ min: 1 });
    await post(bytes).expect(201);
    await patch({ max: 7 }).expect(200);
    const other = await startManager({ platform: skiff.platform });
    try {
      assert.equal((await post(bytes, "", other).expect(200)).body.unchanged, true);
      assert.equal((await post(bytes, "", other).expect(200)).body.unchanged, true);
      assert.equal(other.builder.built.length, 1);
    } finally {
      await other.stop();
    }
  });

  it("are not looked for in one file", async () => {
    const body = 'SETTINGS {"min": 1}';
    await request(skiff.url).post("/func?name=hello").type("text/plain").send(body).expect(201);
    assert.equal((await settings()).min, 0);
  });

  it("name the entry, unless the query does", async () => {
    await post(archive({ entry: "src/a.ts" })).expect(201);
    assert.equal((await settings()).entry, "src/a.ts");
    await post(archive({ entry: "src/b.ts" }, "two")).expect(200);
    assert.equal((await settings()).entry, "src/b.ts");
    await post(archive({ entry: "src/c.ts" }, "three"), "&entry=src/d.ts").expect(200);
    assert.equal((await settings()).entry, "src/d.ts");
    assert.deepEqual(skiff.builder.entries, [
      { formerEntry: "" },
      { formerEntry: "src/a.ts" },
      { entry: "src/d.ts", formerEntry: "src/b.ts" },
    ]);
  });

  it("are not asked again when the stored archive is built for another entry", async () => {
    await post(archive({ min: 1, entry: "src/a.ts" })).expect(201);
    await patch({ min: 2, entry: "src/b.ts" }).expect(200);
    const { min, entry } = await settings();
    assert.deepEqual([min, entry], [2, "src/b.ts"]);
    assert.deepEqual(skiff.builder.entries.at(-1), { entry: "src/b.ts" });
    await post(archive({ min: 1, entry: "src/a.ts" })).expect(200);
    assert.deepEqual(skiff.builder.entries.at(-1), { entry: "src/a.ts" });
  });

  it("cost no build when those of the query are wrong", async () => {
    await post(archive({}), "&memory=1Mi").expect(400);
    assert.equal(builds(), 0);
  });

  const refused: readonly [declared: object, setting: string, detail: RegExp][] = [
    [{ image: "nginx:1" }, "image", /^skiff\.yaml: it names an image: post the archive to \/apply/],
    [{ timout: "3s" }, "timout", /^skiff\.yaml: Unknown setting "timout"\. Did you mean "timeout"\?/],
    [{ replicas: 3 }, "replicas", /^skiff\.yaml: Unknown setting "replicas"\. Settings: min, .*timeoutMs/],
    [{ permissions: { read: [] } }, "permissions.read", /^skiff\.yaml: Unknown setting "permissions\.read"/],
    [{ min: "1" }, "min", /^skiff\.yaml: min must be a whole number/],
    [{ timeout: "soon" }, "timeout", /^skiff\.yaml: timeout=soon cannot be read/],
    [{ timeout: true }, "timeout", /^skiff\.yaml: timeout must be a text/],
    [{ timeout: ["1s", "2s"] }, "timeout", /^skiff\.yaml: timeout=1s,2s cannot be read/],
    [{ timeout: "1s", timeoutMs: 2_000 }, "timeoutMs", /^skiff\.yaml: timeoutMs is declared under two names/],
    [{ permissions: { net: [] }, net: [] }, "net", /^skiff\.yaml: net is declared under two names/],
    [{ env: { PORT: 8080 } }, "env", /^skiff\.yaml: env: the value of PORT must be a string, in quotes/],
    [{ env: ["A=b"] }, "env", /^skiff\.yaml: env must be an object/],
    [{ net: [{}] }, "net", /^skiff\.yaml: net must be a text/],
    [{ entry: "../a.ts" }, "entry", /^skiff\.yaml: entry: /],
  ];
  for (const [declared, setting, detail] of refused) {
    it(`are refused as ${JSON.stringify(declared)}, and change nothing`, async () => {
      const { body } = await post(archive(declared)).expect(400);
      assert.deepEqual([body.code, body.setting], ["invalid_setting", setting]);
      assert.match(body.detail, detail);
      assert.equal(await skiff.platform.find("hello"), undefined);
    });
  }
});
