import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { openApi } from "../../../manager/openapi/openapi.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { Problem } from "../../../platform/problems.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { AuditEntry } from "../../../store/store.ts";
import { schemaFaults } from "../openapi/schema-check.ts";
import { LIMITS, type StartedManager, startManager } from "../started-manager.ts";

const TOKEN = "0123456789abcdef-token";
const access = { mode: "token", tokenHash: hashOf(TOKEN).toString("hex"), whereabouts: "" } as const;

describe("manager: the audit log", () => {
  let folder: string;
  let store: SqliteStore;
  let skiff: StartedManager;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-audit-"));
    store = new SqliteStore({ file: join(folder, "history.db"), print: () => {} });
    skiff = await startManager({ access, store });
  });
  afterEach(async () => {
    await skiff.stop();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const admin = () => by(TOKEN);
  const read = async (query = ""): Promise<(AuditEntry & { id: string })[]> =>
    (await admin().get(`/audit${query}`).expect(200)).body.entries;
  const shown = (entries: readonly AuditEntry[]) =>
    entries.map(({ by, action, target, status, detail }) =>
      `${by}: ${action} ${target} ${status} ${detail}`.trim(),
    );

  it("has every write: who, what, from where, with which answer", async () => {
    await admin().post("/func?name=a").send("one").expect(201);
    const created = await admin()
      .post("/key")
      .send({ name: "ci", scopes: ["deploy"], functions: ["a"] });
    const { id, key } = created.body;
    const put = await by(key).put("/func/a").send("two").expect(200);
    await by(key).put("/func/a").send("BROKEN").expect(422);
    await by(key).delete("/func/b").expect(403);
    await by(key).post(`/key/${id}/rotate`).expect(403);
    await admin()
      .patch(`/key/${id}`)
      .send({ scopes: ["read"] })
      .expect(200);
    await admin().post(`/key/${id}/rotate?overlap=0`).expect(200);
    await admin().delete(`/key/${id}`).expect(200);
    await admin().delete("/func/a").expect(200);
    await admin().post("/func?name=A").send("x").expect(400);
    await admin().delete("/key/a%00%1b[31mb").expect(404);
    const entries = await read();
    assert.deepEqual(shown(entries).reverse(), [
      "token: deploy a 201 version 1",
      `token: key.create key/${id} 201 ci: deploy`,
      `key ci (${id}): deploy a 200 version 2`,
      `key ci (${id}): deploy a 422 build_failed`,
      `key ci (${id}): delete b 403 insufficient_scope`,
      `key ci (${id}): key.rotate key/${id} 403 insufficient_scope`,
      `token: key.change key/${id} 200 scopes`,
      `token: key.rotate key/${id} 200 the secret before ends in 0 s`,
      `token: key.revoke key/${id} 200`,
      "token: delete a 200",
      "token: deploy A 400 invalid_name",
      "token: key.revoke key/a [31mb 404 unknown_key",
    ]);
    const answered = entries.find(({ callId }) => callId === put.headers["x-skiff-call-id"]);
    assert.equal(answered?.detail, "version 2");
    for (const { at, from } of entries) {
      assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 60_000);
      assert.equal(from, "127.0.0.1");
    }
    assert.ok(!JSON.stringify(entries).includes(key.slice(-43)));
  });

  it("has no reads, and no requests of strangers", async () => {
    await admin().get("/func").expect(200);
    await admin().get("/func/none").expect(404);
    await request(skiff.url).post("/func?name=a").send("x").expect(401);
    await by("wrong").delete("/func/a").expect(401);
    assert.deepEqual(await read(), []);
  });

  it("is read in pages, by time and by a part of who or what", async () => {
    for (const name of ["alpha", "beta", "gamma"])
      await admin().post(`/func?name=${name}`).send(name).expect(201);
    const targets = (entries: readonly AuditEntry[]) => entries.map(({ target }) => target);
    assert.deepEqual(targets(await read("?search=ET")), ["beta"]);
    const first = (await admin().get("/audit?limit=2")).body;
    assert.deepEqual(targets(first.entries), ["gamma", "beta"]);
    const second = (await admin().get(`/audit?limit=2&cursor=${first.next}`)).body;
    assert.deepEqual([targets(second.entries), second.next], [["alpha"], null]);
    assert.equal((await read("?since=1h&until=2100-01-01")).length, 3);
    assert.deepEqual(await read("?until=1h"), []);
    assert.equal((await read("?since=999999999999d")).length, 3);
    for (const query of ["since=yesterday", "cursor=x", "limit=0", "until=2030-13-01", "since=2026-02-31"])
      assert.equal((await admin().get(`/audit?${query}`)).body.code, "invalid_request", query);
    const document = openApi(LIMITS, access) as { paths: Record<string, Record<string, object>> };
    const { schema } = (document.paths["/audit"]!.get as { responses: Record<number, { content: object }> })
      .responses[200]!.content["application/json" as never] as { schema: object };
    assert.deepEqual(schemaFaults(schema, first, document), []);
  });

  it("is for administrators, and none of a key that is for some functions", async () => {
    const create = async (body: object) =>
      (
        await admin()
          .post("/key")
          .send({ name: "x", ...body })
      ).body.key;
    await by(await create({ scopes: ["read", "deploy"] }))
      .get("/audit")
      .expect(403);
    await by(await create({ scopes: ["admin"], functions: ["a"] }))
      .get("/audit")
      .expect(403);
    await by(await create({ scopes: ["admin"] }))
      .get("/audit")
      .expect(200);
  });

  it("is printed while the store is away or where there is none", async () => {
    await skiff.stop();
    const away = async () => {
      throw new Problem("store_unavailable", "The store is away.", { retryAfterS: 1 });
    };
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    const withoutAnswers = { usage: store.usage, audit: { append: away, list: away } };
    skiff = await startManager({ access, store: withoutAnswers, print });
    await admin().post("/func?name=a").send("one").expect(201);
    const printed = () => lines.splice(0).find((line) => line.startsWith("audit"));
    assert.match(
      printed()!,
      /^audit, not stored because .*: token from 127\.0\.0\.1: deploy a 201 version 1 \(call /,
    );
    assert.equal((await admin().get("/audit")).body.code, "store_unavailable");
    await skiff.stop();
    skiff = await startManager({ access, print });
    await admin().post("/func?name=a").send("one").expect(201);
    assert.match(printed()!, /^audit, not stored because there is no store: token/);
    assert.equal((await admin().get("/audit")).body.code, "store_unavailable");
  });
});
