import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: describing and removing a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
    await request(skiff.url).post("/func?name=hello&env=SECRET=s3cr3t").send("one").expect(201);
  });
  afterEach(() => skiff.stop());

  it("shows versions, settings, instances and errors", async () => {
    await request(skiff.url).post("/func?name=hello").send("two").expect(200);
    const { body } = await request(skiff.url).get("/func/hello").expect(200);
    assert.equal(body.version, 2);
    assert.equal(body.url, `${skiff.url}/fn/hello`);
    assert.deepEqual(body.traffic, [{ version: 2, weight: 1 }]);
    assert.deepEqual(
      body.versions.map((each: { version: number }) => each.version),
      [1, 2],
    );
    assert.equal(body.instances.length, 1);
    assert.deepEqual(body.lastErrors, []);
    assert.equal(body.settings.concurrency, 100);
  });

  it("shows the concurrency that counts", async () => {
    await request(skiff.url).put("/func/hello?isolation=call&concurrency=7").send("two").expect(200);
    const shown = async () =>
      (await request(skiff.url).get("/func/hello").expect(200)).body.settings.concurrency;
    assert.equal(await shown(), 1);
    await request(skiff.url).put("/func/hello?isolation=instance").send("two").expect(200);
    assert.equal(await shown(), 7);
  });

  it("names the variables of the environment but never shows a value", async () => {
    const answer = await request(skiff.url).get("/func/hello").expect(200);
    assert.deepEqual(answer.body.settings.env, { SECRET: "***" });
    assert.ok(!answer.text.includes("s3cr3t"));
  });

  it("answers 404 with advice when there is none", async () => {
    const answer = await request(skiff.url).get("/func/other").expect(404);
    assert.equal(answer.body.code, "unknown_function");
    assert.match(answer.body.detail, /POST \/func\?name=other/);
  });

  it("answers 400 when the name cannot be one", async () => {
    for (const path of ["/func/Hello", "/func/a%2Fb", "/func/%ff", "/func/-a"]) {
      assert.equal((await request(skiff.url).get(path).expect(400)).body.code, "invalid_name", path);
    }
  });

  it("removes the function", async () => {
    const answer = await request(skiff.url).delete("/func/hello").expect(200);
    assert.deepEqual(answer.body, { success: true });
    assert.equal(await skiff.platform.describe("hello"), undefined);
    await request(skiff.url).get("/func/hello").expect(404);
    assert.ok(skiff.lines.includes("deleted hello"));
  });

  it("answers 404 when there is nothing to remove", async () => {
    await request(skiff.url).delete("/func/hello").expect(200);
    assert.equal((await request(skiff.url).delete("/func/hello").expect(404)).body.code, "unknown_function");
  });

  it("begins with version 1 when a removed function is deployed again", async () => {
    await request(skiff.url).delete("/func/hello");
    const answer = await request(skiff.url).post("/func?name=hello").send("one").expect(201);
    assert.equal(answer.body.version, 1);
  });
});
