import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: the traffic of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
    for (const text of ["one", "two", "three"])
      await app()
        .put("/func/hello")
        .send(text)
        .expect(/version/);
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const put = (body: object) => app().put("/func/hello/traffic").send(body);

  it("is what was put, with its rules, the version before and an ETag", async () => {
    const first = await app().get("/func/hello/traffic").expect(200);
    assert.deepEqual([first.body, first.headers.etag], [{ weights: { 3: 1 }, previous: 2 }, '"3"']);
    const sticky = { header: "X-Tenant" };
    const guard = { errorRate: 0.05 };
    const answer = await put({ weights: { 2: 90, 3: 10 }, sticky, guard }).expect(200);
    const expected = {
      weights: { 2: 90, 3: 10 },
      sticky: { header: "x-tenant" },
      guard: { errorRate: 0.05, calls: 100 },
      previous: 3,
    };
    assert.deepEqual(answer.body, { ...expected, warnings: [] });
    assert.deepEqual((await app().get("/func/hello/traffic")).body, expected);
    const described = (await app().get("/func/hello")).body;
    assert.deepEqual(
      [described.sticky, described.guard, described.previous],
      [expected.sticky, expected.guard, 3],
    );
    await put({ weights: { 2: 1, 3: 0 } }).expect(200);
    assert.deepEqual((await app().get("/func/hello/traffic")).body, { weights: { 2: 1 }, previous: 3 });
    assert.ok(skiff.lines.includes("traffic of hello: 2:90 3:10"));
  });

  it("is refused in words if it is not valid, and stays as it was", async () => {
    const weights = { 3: 1 };
    const rows: [object, RegExp][] = [
      [{}, /needs weights by version/],
      [{ weights: [] }, /needs weights by version/],
      [{ weights: {} }, /names no version/],
      [{ weights: { 3: 0 } }, /^Version 3 has weight 0, so no version would take calls: give at least one/],
      [{ weights: { 2: 0, 3: 0 } }, /^Versions 2, 3 have weight 0/],
      [{ weights: { x: 1 } }, /weights names "x"/],
      [
        { weights: { 3: "9" } },
        /weight of version 3 is "9", which is a text, not a number: write it without/,
      ],
      [{ weights: { 3: null } }, /weight of version 3 is null, which is not a number/],
      [{ weights: { 3: -1 } }, /weight of version 3 is -1/],
      [{ weights, more: 1 }, /has a member "more"\. Members: weights, sticky, guard/],
      [{ weights, sticky: "id" }, /sticky is not an object/],
      [{ weights, sticky: {} }, /either a cookie or a header/],
      [{ weights, sticky: { cookie: "a", header: "b" } }, /either a cookie or a header/],
      [{ weights, sticky: { cookie: "a b" } }, /invalid name of a cookie/],
      [{ weights, sticky: { header: "" } }, /invalid name of a header/],
      [{ weights, guard: {} }, /compares nothing/],
      [{ weights, guard: { calls: 10 } }, /compares nothing/],
      [{ weights, guard: { errorRate: 2 } }, /errorRate must be a number from 0 to 1/],
      [{ weights, guard: { slowdown: 0.5 } }, /slowdown must be a number from 1 to 1000/],
      [{ weights, guard: { slowdown: 2, calls: 0 } }, /calls must be a whole number/],
    ];
    for (const [body, message] of rows) {
      const { body: problem } = await put(body).expect(400);
      assert.equal(problem.code, "invalid_request");
      assert.match(problem.detail, message);
    }
    const unknown = await put({ weights: { 3: 1, 9: 1 } }).expect(404);
    assert.equal(unknown.body.code, "unknown_version");
    await app().put("/func/none/traffic").send({ weights }).expect(404);
    await app().put("/func/hello/traffic").set("content-type", "text/plain").send("x").expect(415);
    assert.deepEqual((await app().get("/func/hello/traffic")).body.weights, { 3: 1 });
  });

  it("warns when access gets looser or a quota goes, also with a rollback", async () => {
    const quota = { rate: "5/s", perMonth: 9 };
    await app()
      .patch("/func/hello")
      .send({ access: "key", quota: { perMonth: 100 } })
      .expect(200);
    await app().patch("/func/hello").send({ access: "internal", quota }).expect(200);
    const toKey = await app().post("/func/hello/rollback").expect(200);
    assert.deepEqual(toKey.body.warnings, [
      'Calls of "hello" have access=key now instead of internal, as this version was deployed: PATCH /func/hello with {"access": "internal"}.',
      '"hello" has no quota.rate now, which was 5/s: PATCH /func/hello with {"quota":{"rate":"5/s"}}.',
    ]);
    assert.deepEqual((await app().post("/func/hello/rollback").expect(200)).body.warnings, []);
    const { warnings } = (await put({ weights: { 1: 9, 5: 1 } }).expect(200)).body;
    assert.match(warnings[0], /access=public now instead of internal/);
    assert.match(warnings[2], /no quota\.perMonth now, which was 9/);
    assert.equal(warnings.length, 3);
    assert.ok(skiff.lines.includes(`hello: ${warnings[0]}`), "it is printed as well");
  });

  it("changes under If-Match only", async () => {
    const { body } = await put({ weights: { 1: 1 } })
      .set("if-match", '"2"')
      .expect(412);
    assert.equal(body.version, 3);
    await put({ weights: { 1: 1 } })
      .set("if-match", '"3"')
      .expect(200);
    await app().post("/func/hello/rollback").set("if-match", '"3"').expect(412);
    const { headers } = await app().post("/func/hello/rollback").set("if-match", '"1"').expect(200);
    assert.equal(headers.etag, '"3"');
  });

  it("goes back to the version before, or to the one that is named", async () => {
    const { body } = await app().post("/func/hello/rollback").expect(200);
    assert.deepEqual(body, {
      name: "hello",
      version: 2,
      from: 3,
      url: `${skiff.url}/fn/hello`,
      warnings: [],
    });
    assert.equal((await app().post("/func/hello/rollback?to=1").expect(200)).body.version, 1);
    assert.equal((await app().post("/func/hello/rollback?to=9").expect(404)).body.code, "unknown_version");
    await app().post("/func/hello/rollback?to=0").expect(400);
    await app().post("/func/none/rollback").expect(404);
    assert.ok(skiff.lines.some((line) => /^rolled hello back from version 3 to version 2 in /.test(line)));
  });

  it("has nothing to go back to before a second version has had all calls", async () => {
    await app().put("/func/new").send("one").expect(201);
    const { body } = await app().post("/func/new/rollback").expect(404);
    assert.match(body.detail, /No version but 1 of "new" has had all calls: name one/);
    await app().put("/func/preview?traffic=0").send("one").expect(201);
    assert.match(
      (await app().post("/func/preview/rollback").expect(404)).body.detail,
      /No version of "preview"/,
    );
  });

  it("warns of secrets that are gone", async () => {
    const put = (body: string) =>
      app()
        .put("/secret/db-password")
        .send(body)
        .expect(/"version"/);
    await put("secret-value");
    await app().put("/func/hello?secrets=db-password").send("four").expect(200);
    await app().put("/func/hello?secrets=none").send("five").expect(200);
    assert.deepEqual((await app().post("/func/hello/rollback").expect(200)).body.warnings, []);
    await app().post("/func/hello/rollback").expect(200);
    await app().delete("/secret/db-password?force=true").expect(200);
    const { body } = await app().post("/func/hello/rollback").expect(200);
    assert.equal(body.version, 4);
    assert.deepEqual(body.warnings, [
      'Version 4 of "hello" asks for version 1 of the secret "db-password", which is gone: deploy it again without DB_PASSWORD, or with another secret.',
    ]);
    assert.ok(skiff.lines.some((line) => line.startsWith('hello: Version 4 of "hello" asks for')));
  });

  it("gives no version a host name that another function has", async () => {
    await app().put("/func/hello?hosts=app.example.com").send("four").expect(200);
    await app().put("/func/hello?hosts=none").send("five").expect(200);
    await app().put("/func/other?hosts=app.example.com").send("other").expect(201);
    assert.equal((await app().post("/func/hello/rollback").expect(409)).body.code, "host_taken");
    await put({ weights: { 4: 9, 5: 1 } }).expect(409);
    await put({ weights: { 4: 1, 5: 9 } }).expect(200);
  });

  it("does not wait for a build of the same function", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    skiff.builder.hold = promise;
    const deploying = app()
      .put("/func/hello")
      .send("four")
      .then((answer) => answer.status);
    while (!skiff.builder.built.includes("four")) await new Promise((done) => setImmediate(done));
    assert.equal((await app().post("/func/hello/rollback").expect(200)).body.version, 2);
    resolve();
    assert.equal(await deploying, 200);
  });

  it("is shared with a new version by percentage", async () => {
    const share = async (percent: number, text: string) => {
      const { body } = await app().put(`/func/hello?traffic=${percent}`).send(text).expect(200);
      return [body.url, (await app().get("/func/hello/traffic")).body.weights];
    };
    await put({ weights: { 3: 1 }, sticky: { cookie: "id" } }).expect(200);
    assert.deepEqual(await share(0, "four"), [`${skiff.url}/fn/hello@4`, { 3: 1 }]);
    assert.deepEqual(await share(10, "five"), [`${skiff.url}/fn/hello`, { 3: 90, 5: 10 }]);
    assert.deepEqual(await share(33, "six"), [`${skiff.url}/fn/hello`, { 3: 603, 5: 67, 6: 330 }]);
    assert.deepEqual((await app().get("/func/hello")).body.sticky, { cookie: "id" });
    assert.deepEqual(await share(100, "seven"), [`${skiff.url}/fn/hello`, { 7: 1 }]);
    for (const percent of ["101", "-1", "1.5", "x", ""]) {
      await app()
        .put(`/func/hello?traffic=${percent}`)
        .send("eight")
        .expect(400, /whole number from 0 to 100/);
    }
    assert.ok(
      skiff.lines.some((line) => /^deployed hello version 5, with 10 % of the calls, in /.test(line)),
    );
  });
});
