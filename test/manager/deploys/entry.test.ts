import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: the entry of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const post = (query: string, body: string) =>
    request(skiff.url).post(`/func?name=hello${query}`).send(body).timeout(5_000);
  const patch = (settings: object) => request(skiff.url).patch("/func/hello").send(settings).timeout(5_000);
  const entries = () => skiff.builder.entries.map(({ entry }) => entry);

  it("is what the builder starts from, and stays for later sources", async () => {
    await post("&entry=src/a.ts", "one").expect(201);
    await post("", "two").expect(200);
    assert.deepEqual(entries(), ["src/a.ts", "src/a.ts"]);
    assert.equal((await skiff.platform.find("hello"))?.settings.entry, "src/a.ts");
  });

  it("builds an equal source again when it changes, and only then", async () => {
    await post("", "one").expect(201);
    assert.equal((await post("&entry=src/a.ts", "one").expect(200)).body.version, 2);
    assert.equal((await post("&entry=src/a.ts", "one").expect(200)).body.unchanged, true);
    assert.equal((await post("&min=1", "one").expect(200)).body.version, 3);
    assert.deepEqual(entries(), ["", "src/a.ts"]);
  });

  it("builds the stored source again when it changes without a new one", async () => {
    await post("", "one").expect(201);
    assert.equal((await patch({ entry: "src/a.ts" }).expect(200)).body.version, 2);
    await patch({ min: 1 }).expect(200);
    await patch({ entry: null }).expect(200);
    assert.deepEqual(entries(), ["", "src/a.ts", ""]);
    assert.deepEqual(skiff.builder.built, ["one", "one", "one"]);
    assert.equal(String((await skiff.platform.readSource("hello"))?.bytes), "one");
  });

  it("refuses a path that leads out of the source before a build", async () => {
    const { body } = await post("&entry=../a.ts", "one").expect(400);
    assert.deepEqual([body.code, body.setting], ["invalid_setting", "entry"]);
    assert.equal(skiff.builder.built.length, 0);
  });
});
