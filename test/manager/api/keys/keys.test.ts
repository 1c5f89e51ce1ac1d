import assert from "node:assert/strict";
import request from "supertest";
import { KeyTable } from "../../../../platform/keys/key-table.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import { KeyUses } from "../../../../store/key-uses.ts";
import type { UsageBatch } from "../../../../store/store.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");
const timeOf = ({ key, usedAt }: UsageBatch["keys"][number]) => [key, usedAt] as const;
const ADMIN = { authorization: `Bearer ${TOKEN}` };

describe("manager: keys", () => {
  let skiff: StartedManager;
  let table: KeyTable;
  beforeEach(async () => {
    table = new KeyTable();
    skiff = await startManager({ access: { mode: "token", tokenHash, whereabouts: "" }, keyTable: table });
  });
  afterEach(() => skiff.stop());

  const app = () => request.agent(skiff.url).set(ADMIN);
  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const create = async (body: object): Promise<{ id: string; key: string }> =>
    (await app().post("/key").send(body).expect(201)).body;
  const problem = async (body: object, status = 400) => {
    const answer = await app().post("/key").send(body).expect(status);
    return `${answer.body.code}: ${answer.body.detail}`;
  };

  it("are shown once, and stored as a hash alone", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"] });
    assert.match(key, new RegExp(`^sk_${id}_[-_A-Za-z0-9]{43}$`));
    const stored = JSON.stringify(await skiff.platform.declarations.get("Key", id));
    assert.ok(stored.includes(hashOf(key).toString("hex")));
    const secret = key.slice(-43);
    const answers = await Promise.all([
      app().get("/key"),
      app().get(`/key/${id}`),
      app().patch(`/key/${id}`).send({ name: "cd" }),
    ]);
    for (const text of [stored, ...answers.map((answer) => answer.text), ...skiff.lines]) {
      assert.ok(!text.includes(secret), text);
      assert.ok(!text.includes("hash") || text === stored, text);
    }
  });

  it("are described with scopes, functions, quota, times and who created them", async () => {
    const quota = { rate: "5/s", inFlight: 2 };
    const given = {
      name: "ci",
      scopes: ["deploy", "call", "call"],
      functions: ["b", "a"],
      ttl: "90d",
      quota,
    };
    const { body } = await app().post("/key").send(given).expect(201);
    assert.deepEqual([body.scopes, body.functions, body.quota], [["call", "deploy"], ["a", "b"], quota]);
    assert.deepEqual([body.state, body.createdBy], ["active", "token"]);
    const days = (Date.parse(body.expiresAt) - Date.now()) / 86_400_000;
    assert.ok(days > 89.9 && days <= 90, body.expiresAt);
    const { key: _, ...shown } = body;
    assert.deepEqual((await app().get(`/key/${body.id}`).expect(200)).body, shown);
  });

  it("stay revoked when they are read while they are revoked", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"] });
    const { declarations } = skiff.platform;
    const get = declarations.get.bind(declarations);
    const wasRead = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    declarations.get = async (kind, name) => {
      const declared = await get(kind, name);
      wasRead.resolve();
      await mayAnswer.promise;
      return declared;
    };
    // A secret that the table does not know makes the manager read the key again.
    const reading = by(`${key.slice(0, -2)}AA`)
      .get("/func")
      .expect(401)
      .then();
    await wasRead.promise;
    await app().delete(`/key/${id}`).expect(200);
    mayAnswer.resolve();
    await reading;
    assert.equal(table.check(key, Date.now()), undefined);
  });

  it("change, rotate and go under If-Match only", async () => {
    const created = await app()
      .post("/key")
      .send({ name: "ci", scopes: ["read"] })
      .expect(201);
    const path = `/key/${created.body.id}`;
    const first = created.headers.etag!;
    assert.equal((await app().get(path).expect(200)).headers.etag, first);
    const rename = (etag: string) => app().patch(path).set("if-match", etag).send({ name: "cd" });
    const second = (await rename(first).expect(200)).headers.etag!;
    assert.notEqual(second, first);
    const rotate = (etag: string) => app().post(`${path}/rotate`).set("if-match", etag);
    const remove = (etag: string) => app().delete(path).set("if-match", etag);
    for (const stale of [rename(first), rotate(`W/${second}`), remove(`"x", ${first}`)]) {
      const { status, body } = await stale;
      assert.deepEqual([status, body.code], [412, "precondition_failed"]);
    }
    for (const wrong of [rename("1"), remove(second).set("if-none-match", "*")]) await wrong.expect(400);
    await app()
      .post("/key")
      .set("if-match", "*")
      .send({ name: "ci", scopes: ["read"] })
      .expect(400);
    const third = (await rotate(`"x", ${second}`).expect(200)).headers.etag!;
    await rotate("*").expect(200);
    await remove(third).expect(412);
    const { headers } = await app().get(path).expect(200);
    await remove(headers.etag!).expect(200);
    await remove("*").expect(404);
  });

  it("say when they were used last", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"] });
    assert.equal((await app().get(`/key/${id}`)).body.lastUsedAt, undefined);
    const before = Date.now();
    await by(key).get("/func").expect(200);
    const [listed] = (await app().get("/key")).body.keys;
    assert.ok(Date.parse(listed.lastUsedAt) >= before);
  });

  it("say so across restarts, by the store", async () => {
    const added: UsageBatch[] = [];
    const other = new Date("2020-01-01T00:00:00Z");
    const usage = {
      add: async (batches: readonly UsageBatch[]) => void added.push(...batches),
      lastUse: async () => new Map([["kstored", other], ...added.flatMap(({ keys }) => keys.map(timeOf))]),
    };
    const uses = new KeyUses({
      program: "manager",
      now: () => Date.parse("2030-01-01T00:00:00Z"),
      ledger: usage,
      print: assert.fail,
    });
    uses.used("kmine");
    uses.used("kmine");
    await uses.flush();
    await uses.flush();
    assert.deepEqual(
      added.map(({ sequence, keys }) => [sequence, keys.length]),
      [[1, 1]],
    );
    const expected = [
      ["kstored", other],
      ["kmine", new Date("2030-01-01T00:00:00Z")],
    ];
    assert.deepEqual([...(await uses.all())], expected);
    const again = new KeyUses({ program: "manager", now: Date.now, ledger: usage, print: assert.fail });
    assert.deepEqual([...(await again.all())], expected);
  });

  it("keep their last use while the store is away", async () => {
    const lines: string[] = [];
    let isAway = true;
    const added: UsageBatch[] = [];
    const ledger = {
      async add(batches: readonly UsageBatch[]) {
        if (isAway) throw new Error("it is away");
        added.push(...batches);
      },
      lastUse: async () => new Map<string, Date>(),
    };
    const uses = new KeyUses({
      program: "manager",
      now: Date.now,
      ledger,
      print: (line) => lines.push(line),
    });
    uses.used("kmine");
    await uses.flush();
    await uses.flush();
    assert.deepEqual(lines, ["the last use of keys cannot be stored: it is away"]);
    isAway = false;
    await uses.flush();
    assert.deepEqual(
      added.map(({ keys }) => keys.map(({ key }) => key)),
      [["kmine"]],
    );
  });

  it("that another manager has just created are accepted, and rotated ones as well", async () => {
    const other = await startManager({ platform: skiff.platform });
    try {
      const local = request(other.url);
      const { id, key } = (
        await local
          .post("/key")
          .send({ name: "ci", scopes: ["read"] })
          .expect(201)
      ).body;
      await by(key).get("/func").expect(200);
      const rotated = (await local.post(`/key/${id}/rotate`).expect(200)).body;
      await by(rotated.key).get("/func").expect(200);
    } finally {
      await other.stop();
    }
  });

  it("are listed in pages", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async (n) => (await create({ name: `${n}`, scopes: ["call"] })).id),
    );
    const first = (await app().get("/key?limit=2").expect(200)).body;
    const second = (await app().get(`/key?limit=2&cursor=${first.next}`).expect(200)).body;
    const listed = [...first.keys, ...second.keys].map(({ id }) => id);
    assert.deepEqual(listed, ids.toSorted());
    assert.equal(second.next, null);
    assert.equal((await app().get("/key?cursor=x")).body.code, "invalid_request");
  });

  it("have two valid secrets after a rotation, and never three", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"] });
    const rotated = (await app().post(`/key/${id}/rotate`).expect(200)).body;
    const hours = (Date.parse(rotated.previousUntil) - Date.now()) / 3_600_000;
    assert.ok(hours > 23.9 && hours <= 24, rotated.previousUntil);
    for (const each of [key, rotated.key]) await by(each).get("/func").expect(200);
    const third = (await app().post(`/key/${id}/rotate?overlap=1m`).expect(200)).body;
    await by(key).get("/func").expect(401);
    for (const each of [rotated.key, third.key]) await by(each).get("/func").expect(200);
    const last = (await app().post(`/key/${id}/rotate?overlap=0`).expect(200)).body;
    for (const each of [key, rotated.key, third.key]) await by(each).get("/func").expect(401);
    assert.equal(last.previousUntil, undefined);
    await by(last.key).get("/func").expect(200);
    for (const overlap of ["91d", "x", "", "-1"])
      assert.equal((await app().post(`/key/${id}/rotate?overlap=${overlap}`)).status, 400, overlap);
  });

  it("are changed by a merge patch, at once", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"], functions: ["a"], ttl: "1h" });
    await by(key).get("/func/b").expect(403);
    const patch = { scopes: ["read", "deploy"], functions: null, expiresAt: null, quota: { rate: "9/d" } };
    const { body } = await app().patch(`/key/${id}`).send(patch).expect(200);
    assert.deepEqual(
      [body.name, body.functions, body.expiresAt, body.quota],
      ["ci", undefined, undefined, { rate: "9/d" }],
    );
    await by(key).get("/func/b").expect(404);
    await by(key).post("/func?name=b").send("b").expect(201);
    await app().patch(`/key/${id}`).send({ quota: null }).expect(200);
    assert.equal((await app().get(`/key/${id}`)).body.quota, undefined);
    await app().patch(`/key/${id}`).send({ hash: "x" }).expect(400);
  });

  it("are revoked at once", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["admin"] });
    await by(key).delete(`/key/${id}`).expect(200);
    const refused = await by(key).get("/func").expect(401);
    assert.match(refused.headers["www-authenticate"]!, /error="invalid_token"/);
    for (const send of [app().get, app().delete, app().patch])
      await send.call(app(), `/key/${id}`).send({}).expect(404);
    await app().post(`/key/${id}/rotate`).expect(404);
  });

  it("end when they expire, and say so", async () => {
    const { id, key } = await create({ name: "ci", scopes: ["read"], ttl: "1h" });
    const { spec } = (await skiff.platform.declarations.get("Key", id))!;
    const over = { ...spec, expiresAt: "2020-01-01T00:00:00Z" };
    await skiff.platform.declarations.put("Key", id, { spec: over });
    table.set(id, over);
    const { body } = await by(key).get("/func").expect(401);
    assert.match(body.detail, /^The key "ci" \(k\w+\) has expired: /);
    assert.equal((await app().get(`/key/${id}`)).body.state, "expired");
  });

  it("are limited in number", async () => {
    await skiff.stop();
    skiff = await startManager({
      access: { mode: "token", tokenHash, whereabouts: "" },
      limits: { keys: 2 },
    });
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        app()
          .post("/key")
          .send({ name: `${n}`, scopes: ["call"] }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409, 409]);
    assert.match(
      await problem({ name: "x", scopes: ["call"] }, 409),
      /^too_many_keys: There are 2 keys \(SKIFF_MAX_KEYS\)/,
    );
  });

  it("that somebody damaged in the cluster are listed, and can be revoked", async () => {
    await skiff.platform.declarations.put("Key", "bad", { spec: { name: "x" } });
    assert.equal((await app().get("/key/bad")).body.state, "invalid");
    assert.equal((await app().post("/key/bad/rotate")).body.code, "invalid_declaration");
    await app().delete("/key/bad").expect(200);
  });

  for (const [body, expected] of [
    [{}, /^invalid_request: The name is missing/],
    [
      { name: "ci" },
      /^invalid_request: The scopes are missing: send some of call, read, deploy, run, admin\.$/,
    ],
    [{ name: "ci", scopes: ["cal"] }, /scopes: \["cal"\] is not valid/],
    [{ name: "ci", scopes: [] }, /scopes: \[\] is not valid/],
    [{ name: "ci", scope: ["call"] }, /Unknown member "scope"\. Did you mean "scopes"\?/],
    [{ name: "a\u001b[31m", scopes: ["call"] }, /name: .* is not valid/],
    [{ name: "", scopes: ["call"] }, /name: "" is not valid/],
    [{ name: "ci", scopes: ["call"], functions: [] }, /functions: \[\] is not valid/],
    [{ name: "ci", scopes: ["call"], functions: ["A"] }, /functions: \["A"\] is not valid/],
    [{ name: "ci", scopes: ["call"], expiresAt: "2020-01-01T00:00:00Z" }, /is not a time in the future/],
    [{ name: "ci", scopes: ["call"], expiresAt: "2030-02-31" }, /"2030-02-31" is not a time in the future/],
    [{ name: "ci", scopes: ["call"], expiresAt: 7 }, /expiresAt: 7 is not a time in the future/],
    [{ name: "ci", scopes: ["call"], ttl: "5" }, /ttl: "5" is not a duration of at least 1 s/],
    [{ name: "ci", scopes: ["call"], ttl: "1h", expiresAt: null }, /Send expiresAt or ttl, not both/],
    [{ name: "ci", scopes: ["call"], quota: { rate: "fast" } }, /^invalid_setting: quota\.rate/],
    [[], /Send a JSON object/],
  ] as const) {
    it(`are not created from ${JSON.stringify(body)}`, async () =>
      assert.match(await problem(body), expected));
  }
});
