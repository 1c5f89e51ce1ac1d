import assert from "node:assert/strict";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: the host names of functions", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({
      publicUrl: "https://functions.example.com/base",
      access: { mode: "open" },
    });
    await request(skiff.url)
      .post("/func?name=shop&hosts=app.example.com,www.example.com")
      .send("one")
      .expect(201);
  });
  afterEach(() => skiff.stop());

  const deploy = (name: string, hosts: string, code = "two") =>
    request(skiff.url).post(`/func?name=${name}&hosts=${hosts}`).send(code);
  const patch = (name: string, hosts: unknown) => request(skiff.url).patch(`/func/${name}`).send({ hosts });
  const hostsOf = (name: string) => skiff.platform.endpoints(name)?.hosts;

  it("are settings of a version, and reach the routers", async () => {
    assert.deepEqual(hostsOf("shop"), ["app.example.com", "www.example.com"]);
    const { body } = await request(skiff.url).get("/func/shop").expect(200);
    assert.deepEqual(body.settings.hosts, ["app.example.com", "www.example.com"]);
  });

  it("stay until they are changed", async () => {
    await request(skiff.url).post("/func?name=shop").send("three").expect(200);
    assert.deepEqual(hostsOf("shop"), ["app.example.com", "www.example.com"]);
    await patch("shop", ["www.example.com"]).expect(200);
    assert.deepEqual(hostsOf("shop"), ["www.example.com"]);
    await deploy("shop", "none").expect(200);
    assert.equal(hostsOf("shop"), undefined);
  });

  it("belong to one function, which the error names", async () => {
    for (const answer of [
      await deploy("other", "b.example.com,www.example.com").expect(409),
      await request(skiff.url)
        .post("/func?name=other")
        .send("two")
        .then(() => patch("other", ["www.example.com"]).expect(409)),
    ]) {
      assert.equal(answer.body.code, "host_taken");
      assert.match(answer.body.detail, /www\.example\.com belongs to the function "shop"/);
      assert.equal(answer.body.setting, "hosts");
    }
    assert.equal(hostsOf("other"), undefined);
  });

  it("are free again when the function gives them up, or is removed", async () => {
    await patch("shop", ["www.example.com"]).expect(200);
    await deploy("other", "app.example.com").expect(201);
    await request(skiff.url).delete("/func/shop").expect(200);
    await deploy("other", "app.example.com,www.example.com").expect(200);
  });

  for (const [field, value] of [
    ["x-forwarded-host", "skiff.example.com, inner.example.com"],
    ["forwarded", 'for=1.2.3.4;host="skiff.example.com:443";proto=https'],
  ] as const) {
    it(`are not those by which the client reached the manager: ${field}`, async () => {
      const answer = await deploy("thief", "skiff.example.com").set(field, value);
      assert.equal(answer.status, 400, JSON.stringify(answer.body));
      assert.equal(hostsOf("thief"), undefined);
    });
  }

  it("go to one of two deploys at the same time", async () => {
    const held = Promise.withResolvers<void>();
    skiff.builder.hold = held.promise;
    const first = deploy("a", "new.example.com", "a").then((answer) => answer);
    const second = deploy("b", "new.example.com", "b").then((answer) => answer);
    const loser = await Promise.race([first, second]);
    assert.equal(loser.status, 409, loser.text);
    held.resolve();
    assert.deepEqual([(await first).status, (await second).status].toSorted(), [201, 409]);
  });

  it("are free again after a deploy that failed", async () => {
    await deploy("other", "new.example.com", "BROKEN").expect(422);
    await deploy("third", "new.example.com").expect(201);
  });

  it("are none at which the manager answers", async () => {
    const own = await deploy("other", "functions.example.com").expect(400);
    assert.deepEqual([own.body.code, own.body.setting], ["invalid_setting", "hosts"]);
    assert.match(own.body.detail, /management API answers at functions\.example\.com/);
    const reached = request(skiff.url)
      .post("/func?name=other&hosts=skiff.localhost")
      .set("host", "skiff.localhost:80");
    assert.match((await reached.send("two").expect(400)).body.detail, /answers at skiff\.localhost/);
  });

  it("are refused if they are none", async () => {
    for (const hosts of [
      "127.0.0.1",
      "app.example.com:80",
      "App.example.com",
      "localhost",
      "*.example.com",
      "",
    ]) {
      const { body } = await deploy("other", hosts).expect(400);
      assert.deepEqual([body.code, body.setting], ["invalid_setting", "hosts"], hosts);
    }
    for (const hosts of ["new.example.com", [1], { a: 1 }]) await patch("shop", hosts).expect(400);
  });
});
