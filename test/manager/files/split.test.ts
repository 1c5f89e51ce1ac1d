import assert from "node:assert/strict";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";
import { actions, apply } from "./folders.ts";

const SPLIT = {
  "skiff.yaml": `functions:
  a:
    versions:
    - { weight: 90, source: old.ts, env: { MODE: safe } }
    - { weight: 10, source: new/, memory: 256Mi, message: try it }
    sticky: { cookie: session }
    guard: { errorRate: 0.05, slowdown: 2 }
`,
  "old.ts": "1",
  "new/main.ts": "2",
};

describe("manager: folders that share the calls of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const applyTo = (files: Record<string, string>, query = "") => apply(skiff.url, files, query);
  const traffic = async (name = "a") => {
    const { weights, sticky, guard } = (await request(skiff.url).get(`/func/${name}/traffic`).expect(200))
      .body;
    return { weights, sticky, guard };
  };
  const exported = async (query = ""): Promise<Buffer> =>
    Buffer.from(await (await fetch(`${skiff.url}/export${query}`)).arrayBuffer());
  const applyArchive = (archive: Buffer) =>
    request(skiff.url).post("/apply").set("content-type", "application/gzip").send(archive);

  it("deploys the versions, and shares the calls by weight and rules", async () => {
    const answer = await applyTo(SPLIT);
    assert.deepEqual(actions(answer), ["create a done"], answer.text);
    assert.equal(answer.body.functions[0].version, 1);
    const shared = {
      weights: { 1: 90, 2: 10 },
      sticky: { cookie: "session" },
      guard: { errorRate: 0.05, slowdown: 2, calls: 100 },
    };
    assert.deepEqual(await traffic(), shared);
    const records = (await skiff.platform.listVersions("a"))!;
    assert.deepEqual(
      records.map(({ settings, note }) => [settings.memoryMiB, settings.env, note.message]),
      [
        [128, { MODE: "safe" }, undefined],
        [256, {}, "try it"],
      ],
    );
    assert.deepEqual(actions(await applyTo(SPLIT)), ["unchanged a done"]);
    assert.equal((await skiff.platform.listVersions("a"))!.length, 2);
  });

  it("changes the traffic alone when the versions are kept, and shows how", async () => {
    await applyTo(SPLIT);
    const half = {
      ...SPLIT,
      "skiff.yaml": SPLIT["skiff.yaml"].replace("90", "50").replace("weight: 10", "weight: 50"),
    };
    const builds = skiff.builder.built.length;
    const planned = await applyTo(half, "dryRun");
    const diff =
      "--- a/traffic\n+++ b/traffic\n@@ -1,2 +1,2 @@\n-version 1: 90\n-version 2: 10\n+version 1: 50\n+version 2: 50\n";
    assert.deepEqual([actions(planned), planned.body.functions[0].diff], [["update a planned"], diff]);
    assert.deepEqual((await traffic()).weights, { 1: 90, 2: 10 });
    assert.deepEqual(actions(await applyTo(half)), ["update a done"]);
    assert.deepEqual((await traffic()).weights, { 1: 50, 2: 50 });
    assert.equal(skiff.builder.built.length, builds);
  });

  it("deploys only the version that is new, and all calls go to it once it stands alone", async () => {
    await applyTo(SPLIT);
    const next = { ...SPLIT, "new/main.ts": "3" };
    assert.deepEqual(actions(await applyTo(next)), ["update a done"]);
    assert.deepEqual((await traffic()).weights, { 1: 90, 3: 10 });
    const alone = { "skiff.yaml": "functions:\n  a: {source: old.ts, env: {MODE: safe}}\n", "old.ts": "1" };
    const { body } = await applyTo(alone, "dryRun");
    assert.equal(body.functions[0].action, "update");
    assert.match(
      body.functions[0].diff,
      /^--- a\/traffic\n[\s\S]*\n-version 1: 90\n-version 3: 10\n\+version 1: 1\n$/,
    );
    await applyTo(alone);
    assert.deepEqual(await traffic(), { weights: { 1: 1 }, sticky: undefined, guard: undefined });
    assert.deepEqual(actions(await applyTo(alone)), ["unchanged a done"]);
  });

  it("keeps a version without calls with the weight 0", async () => {
    const text = "functions:\n  a:\n    versions:\n    - {weight: 0, source: old.ts}\n";
    const preview = { "skiff.yaml": text, "old.ts": "1" };
    assert.deepEqual(actions(await applyTo(preview)), ["create a done"]);
    assert.deepEqual(skiff.platform.endpoints("a")!.traffic, []);
    assert.deepEqual(actions(await applyTo(preview)), ["unchanged a done"]);
    assert.deepEqual(actions(await applyArchive(await exported())), ["unchanged a done"]);
    await applyTo({ "skiff.yaml": "functions:\n  a: {source: old.ts}\n", "old.ts": "1" });
    assert.deepEqual((await traffic()).weights, { 1: 1 });
    const { body } = await applyTo(preview);
    assert.match(
      body.detail,
      /^skiff\.yaml:2:3: "a" takes calls now: give one of its versions a weight over 0\./,
    );
  });

  it("is what an export of such a function says, here and elsewhere", async () => {
    await applyTo(SPLIT);
    assert.deepEqual(actions(await applyArchive(await exported())), ["unchanged a done"]);
    const archive = await exported("?values=true");
    assert.deepEqual(actions(await applyArchive(archive)), ["unchanged a done"]);
    const before = await traffic();
    await request(skiff.url).delete("/func/a").expect(200);
    assert.deepEqual(actions(await applyArchive(archive)), ["create a done"]);
    const after = await traffic();
    assert.deepEqual(Object.values(after.weights), [90, 10]);
    assert.deepEqual([after.sticky, after.guard], [before.sticky, before.guard]);
    assert.deepEqual(actions(await applyArchive(archive)), ["unchanged a done"]);
  });

  it("keeps the values that each version has", async () => {
    const text = (one: string, two: string) =>
      `functions:\n  a:\n    versions:\n    - {weight: 3, source: a.ts, env: {T: "${one}"}}\n    - {weight: 1, source: a.ts, env: {T: "${two}"}}\n`;
    await applyTo({ "skiff.yaml": text("first", "second"), "a.ts": "1" });
    assert.deepEqual(actions(await applyArchive(await exported())), ["unchanged a done"]);
  });

  it("changes nothing for callers when one of its versions fails", async () => {
    await applyTo(SPLIT);
    const { status, body } = await applyTo({ ...SPLIT, "new/main.ts": "BROKEN" });
    assert.deepEqual([status, body.functions[0].state], [422, "failed"]);
    assert.deepEqual((await traffic()).weights, { 1: 90, 2: 10 });
  });

  const refused: Record<string, [entry: string, detail: RegExp]> = {
    "no weight": [
      "versions: [{source: old.ts}]",
      /The version has no weight: use a whole number from 0 to 1000000/,
    ],
    "a wrong weight": ["versions: [{weight: 0.5, source: old.ts}]", /The weight is 0\.5: use a whole number/],
    "no versions": ["versions: []", /versions must be a list of 1 to 20 versions/],
    "settings beside them": [
      "memory: 256Mi\n    versions: [{weight: 1}]",
      /memory belongs to each of the versions/,
    ],
    "a wrong rule": [
      "versions: [{weight: 1, source: old.ts}]\n    sticky: {coookie: x}",
      /^skiff\.yaml:4:5: .*coookie/,
    ],
    "a rule without versions": [
      "source: old.ts\n    guard: {errorRate: 1}",
      /guard is for a function with several versions/,
    ],
    "a weight without versions": [
      "source: old.ts\n    weight: 1",
      /^skiff\.yaml:4:5: Unknown setting "weight"/,
    ],
  };
  for (const [what, [entry, detail]] of Object.entries(refused)) {
    it(`is refused with ${what}`, async () => {
      const { body } = await applyTo({ "skiff.yaml": `functions:\n  a:\n    ${entry}\n`, "old.ts": "1" });
      assert.deepEqual([body.code, detail.test(body.detail) || body.detail], ["invalid_declaration", true]);
    });
  }
});
