import { strict as assert } from "node:assert";
import request from "supertest";
import { FakePlatform } from "../../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

describe("manager: the versions of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({ platform: new FakePlatform({ versionsKept: 4 }), limits: { pageSize: 3 } });
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const deploy = (text: string, query = "") =>
    app()
      .post(`/func?name=hello${query}`)
      .send(text)
      .expect(/"version"/);
  const numbers = (answer: request.Response) =>
    answer.body.versions.map((each: { version: number }) => each.version);

  it("have who deployed them, why, and from which commit", async () => {
    await deploy("one", `&message=The+first%21&commit=${COMMIT}&env=A=secret`);
    const { body } = await app().get("/func/hello/versions/1").expect(200);
    assert.deepEqual([body.by, body.message, body.commit], ["local", "The first!", COMMIT]);
    assert.deepEqual([body.version, body.sourceBytes, body.pinned, body.share], [1, 3, false, 1]);
    assert.equal(body.url, `${skiff.url}/fn/hello@1`);
    assert.match(body.sourceHash, /^[0-9a-f]{64}$/);
    assert.deepEqual(body.settings.env, { A: "***" });
    assert.ok(Date.now() - Date.parse(body.createdAt) < 60_000);
  });

  it("take their note from a form and from the query of a patch as well", async () => {
    await app()
      .post("/func")
      .field("name", "hello")
      .field("message", "By form")
      .field("source", "one")
      .expect(201);
    await app().patch("/func/hello?message=By+patch").send({ min: 1 }).expect(200);
    const { body } = await app().get("/func/hello/versions").expect(200);
    assert.deepEqual(
      body.versions.map((each: { message: string }) => each.message),
      ["By patch", "By form"],
    );
    await app()
      .patch("/func/hello?min=1")
      .send({})
      .expect(400, /Parameters: message, commit, traffic/);
    const twice = app().post("/func?name=hello&message=a").field("message", "b").field("source", "x");
    await twice.expect(400, /message is in the query and in the form/);
  });

  it("refuse a note that is not valid, before a build", async () => {
    for (const query of [
      `message=${"x".repeat(1_001)}`,
      "commit=abc",
      `commit=${COMMIT.toUpperCase()}`,
      "message=a&message=b",
    ]) {
      const { body } = await app().post(`/func?name=hello&${query}`).send("one").expect(400);
      assert.equal(body.code, "invalid_request", query);
    }
    assert.deepEqual(skiff.builder.built, []);
  });

  it("are listed newest first, in pages", async () => {
    for (const text of ["one", "two", "three", "four"]) await deploy(text);
    const first = await app().get("/func/hello/versions").expect(200);
    assert.deepEqual([numbers(first), first.body.next], [[4, 3, 2], "2"]);
    const second = await app().get(`/func/hello/versions?cursor=${first.body.next}`).expect(200);
    assert.deepEqual([numbers(second), second.body.next], [[1], null]);
    assert.deepEqual(numbers(await app().get("/func/hello/versions?limit=1&cursor=4").expect(200)), [3]);
    await app().get("/func/hello/versions?limit=4").expect(400);
    await app().get("/func/hello/versions?cursor=x").expect(400);
  });

  it("are pinned under If-Match only", async () => {
    await deploy("one");
    const { headers } = await app().get("/func/hello").expect(200);
    const pin = (etag: string) =>
      app().patch("/func/hello/versions/1").set("if-match", etag).send({ pinned: true });
    const { body } = await pin('"99"').expect(412);
    assert.equal(body.code, "precondition_failed");
    assert.equal((await app().get("/func/hello/versions/1")).body.pinned, false);
    assert.equal((await pin(headers.etag!).expect(200)).body.pinned, true);
  });

  it("are kept over the limit if they are pinned", async () => {
    const pin = (body: object, version = 1) => app().patch(`/func/hello/versions/${version}`).send(body);
    await deploy("one");
    assert.equal((await pin({ pinned: true }).expect(200)).body.pinned, true);
    for (const text of ["two", "three", "four", "five", "six"]) await deploy(text);
    assert.deepEqual(numbers(await app().get("/func/hello/versions?cursor=4").expect(200)), [3, 1]);
    assert.equal((await pin({ pinned: false }).expect(200)).body.pinned, false);
    await deploy("seven");
    await app().get("/func/hello/versions/1").expect(404);
    await pin({ pinned: 1 }, 7).expect(400);
    await pin({ message: "new" }, 7).expect(400);
    await pin({ pinned: true }, 9).expect(404, /Versions kept: 4, 5, 6, 7\./);
    assert.deepEqual(
      skiff.lines.filter((line) => /pinned/.test(line)),
      ["pinned hello version 1", "unpinned hello version 1"],
    );
  });

  it("are not there without their function, or under another number", async () => {
    for (const path of ["versions", "versions/1"]) {
      const { body } = await app().get(`/func/none/${path}`).expect(404);
      assert.equal(body.code, "unknown_function");
    }
    await deploy("one");
    for (const version of ["2", "0", "1.0", "x", "%31%20"]) {
      const { body } = await app().get(`/func/hello/versions/${version}`).expect(404);
      assert.equal(body.code, "unknown_version", version);
    }
  });
});

describe("manager: If-Match", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
    await app().put("/func/hello").send("one").expect(201);
    await app().put("/func/hello").send("two").expect(200);
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const put = (fields: Record<string, string>, name = "hello") =>
    app().put(`/func/${name}`).set(fields).send("three");

  it("is the current version, which GET has as its ETag", async () => {
    const { headers } = await app().get("/func/hello").expect(200);
    assert.equal(headers.etag, '"2"');
    await put({ "if-match": headers.etag! }).expect(200);
    assert.equal((await app().get("/func/hello")).headers.etag, '"3"');
  });

  it("refuses every write of another version, and says which one is there", async () => {
    const writes = [
      () => app().post("/func?name=hello").send("three"),
      () => app().put("/func/hello").send("three"),
      () => app().patch("/func/hello").send({ min: 1 }),
      () => app().delete("/func/hello"),
    ];
    for (const write of writes) {
      const { body } = await write().set("if-match", '"1"').expect(412);
      assert.deepEqual([body.code, body.version], ["precondition_failed", 2]);
      assert.match(body.detail, /The current version of "hello" is 2/);
    }
    assert.equal((await app().get("/func/hello/versions")).body.versions.length, 2);
  });

  it("may be a list or *, and a weak tag never matches", async () => {
    await put({ "if-match": '"1", "2"' }).expect(200);
    await put({ "if-match": "*" }).expect(200);
    for (const tag of ['W/"3"', '"x"', "3", '""']) await put({ "if-match": tag }).expect(412);
    await put({ "if-match": "*" }, "other").expect(412, /There is no function/);
    await put({ "if-match": '"1"' }, "other").expect(412);
  });

  it("has a counterpart for a function that must not exist", async () => {
    await put({ "if-none-match": "*" }).expect(412, /exists, at version 2/);
    await put({ "if-none-match": "*" }, "other").expect(201);
    await put({ "if-none-match": '"2"' }).expect(400);
    await put({ "if-none-match": "*", "if-match": '"2"' }).expect(400);
  });

  it("is checked when the deploy before it is done", async () => {
    const all = ["a", "b", "c"].map((text) => app().put("/func/hello").set("if-match", '"2"').send(text));
    const statuses = (await Promise.all(all)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 412, 412]);
  });
});
