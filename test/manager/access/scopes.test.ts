import assert from "node:assert/strict";
import request from "supertest";
import { ROUTE_RULES } from "../../../manager/access/route-rules.ts";
import { isGitPath } from "../../../manager/api/git/git-request.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { SCOPES, type Scope } from "../../../platform/keys/scopes.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

describe("manager: scopes", () => {
  let skiff: StartedManager;
  const keys = new Map<Scope, string>();
  before(async () => {
    skiff = await startManager({ access: { mode: "token", tokenHash, whereabouts: "" } });
    for (const scope of SCOPES) keys.set(scope, await create({ name: scope, scopes: [scope] }));
    for (const name of ["a", "b", "c"]) await by(TOKEN).post(`/func?name=${name}`).send(name).expect(201);
  });
  after(() => skiff.stop());

  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const create = async (body: object): Promise<string> =>
    (await by(TOKEN).post("/key").send(body).expect(201)).body.key;

  // A signed request needs no scope, and no key helps one that is not signed.
  const scoped = Object.entries(ROUTE_RULES).filter(([, { scope }]) => scope !== "signed");
  for (const [route, rule] of scoped) {
    it(`of ${rule.scope} or admin are needed for ${route}`, async () => {
      const [method, path] = route.split(" ") as [string, string];
      for (const scope of SCOPES) {
        // A name that no function has: what is allowed changes nothing here.
        // The graph of a flow is for `read`, the one of an own run for `call` too.
        const query = path.endsWith("/graph") ? "?run=zzz" : "";
        const url = path.replaceAll(/:\w+/g, "zzz") + query;
        const send = by(keys.get(scope)!) as unknown as Record<string, (url: string) => request.Test>;
        const { body, status, text, headers } = await send[method.toLowerCase()]!(url);
        // Git reads texts alone.
        if (isGitPath(url)) {
          if (rule.scope !== "any")
            assert.equal(status === 403, ![rule.scope, "admin"].includes(scope), `${scope}: ${text}`);
          continue;
        }
        const isAllowed = rule.scope === "any" || [rule.scope, rule.ownWith, "admin"].includes(scope);
        assert.equal(body.code === "insufficient_scope", !isAllowed, `${scope}: ${JSON.stringify(body)}`);
        if (isAllowed) continue;
        assert.equal(body.status, 403);
        const challenge = `Bearer realm="skiff", error="insufficient_scope", scope="${rule.scope}"`;
        assert.equal(headers["www-authenticate"], challenge);
      }
    });
  }

  it("of a key that is for some functions add no secret to them, and keep those that they have", async () => {
    const limited = { name: "limited", scopes: ["deploy"], functions: ["with-secret", "without"] };
    const key = await create(limited);
    for (const name of ["mine", "other"]) await skiff.platform.secrets.put(name, { value: "v" });
    await by(TOKEN).post("/func?name=with-secret&secrets=mine").send("a").expect(201);
    await by(key).put("/func/with-secret").send("b").expect(200);
    await by(key).put("/func/with-secret?secrets=AGAIN=mine").send("b").expect(200);
    for (const wrong of [
      by(key).put("/func/with-secret?secrets=other").send("b"),
      by(key).post("/func?name=without&secrets=mine").send("b"),
      by(key)
        .patch("/func/with-secret")
        .send({ env: { X: { secret: "other" } } }),
    ]) {
      const { status, body } = await wrong;
      assert.deepEqual([status, body.code], [403, "insufficient_scope"]);
      assert.match(
        body.detail,
        /key limited \(\w+\) is limited to some functions and cannot give one the secret/,
      );
    }
    await by(key).put("/func/with-secret?secrets=none").send("b").expect(200);
    await by(TOKEN).delete("/func/with-secret").expect(200);
  });

  it("of a key that is for some functions regain no secret that was taken from them", async () => {
    const key = await create({ name: "limited", scopes: ["deploy"], functions: ["took"] });
    await skiff.platform.secrets.put("db", { value: "v" });
    await by(TOKEN).post("/func?name=took").send("one").expect(201);
    await by(TOKEN).put("/func/took?secrets=db").send("two").expect(200);
    await by(key).post("/func/took/rollback?to=1").expect(200);
    for (const wrong of [
      by(key).post("/func/took/rollback?to=2"),
      by(key).post("/func/took/rollback"),
      by(key)
        .put("/func/took/traffic")
        .send({ weights: { 1: 99, 2: 1 } }),
    ]) {
      const { status, body } = await wrong;
      assert.deepEqual([status, body.code], [403, "insufficient_scope"], wrong.url);
      assert.match(body.detail, /cannot give one the secret "db"/);
    }
    assert.equal((await skiff.platform.find("took"))?.version, 1);
    await by(TOKEN).post("/func/took/rollback?to=2").expect(200);
    await by(key)
      .put("/func/took/traffic")
      .send({ weights: { 1: 1, 2: 99 } })
      .expect(200);
    await by(TOKEN).delete("/func/took").expect(200);
  });

  it("to deploy show no settings, also when a version is pinned", async () => {
    await by(TOKEN).post("/func?name=pinned&memory=77Mi").send("one").expect(201);
    const pin = (key: string) => by(key).patch("/func/pinned/versions/1").send({ pinned: true }).expect(200);
    const { body } = await pin(keys.get("deploy")!);
    assert.deepEqual([body.pinned, body.settings], [true, undefined]);
    const both = await create({ name: "both", scopes: ["read", "deploy"] });
    assert.equal((await pin(both)).body.settings.memoryMiB, 77);
    await by(TOKEN).delete("/func/pinned").expect(200);
  });

  it("of a key that is for some functions concern those alone", async () => {
    const key = await create({ name: "limited", scopes: ["admin"], functions: ["a", "b", "new", "gone"] });
    const listed = (await by(key).get("/func").expect(200)).body.functions;
    assert.deepEqual(
      listed.map(({ name }: { name: string }) => name),
      ["a", "b"],
    );
    const page = (await by(key).get("/func?limit=1")).body;
    assert.equal((await by(key).get(`/func?limit=1&cursor=${page.next}`)).body.functions[0].name, "b");
    await by(key).get("/func/a").expect(200);
    await by(key).put("/func/a").send("a2").expect(200);
    await by(key).post("/func?name=new").send("new").expect(201);
    await by(key).get("/func/gone").expect(404);
    // There is no store here.
    await by(key).get("/usage?function=a").expect(503);
    const code = async (send: request.Test) => (await send).body.code;
    const refused = [
      by(key).get("/func/c"),
      by(key).get("/func/%63"),
      by(key).get("/func/c/logs"),
      by(key).get("/func/c/source"),
      by(key).head("/func/c"),
      by(key).put("/func/c").send("x"),
      by(key).patch("/func/c").send({ min: 1 }),
      by(key).delete("/func/c"),
      by(key).post("/func?name=c").send("x"),
      by(key).post("/func").field("name", "c").attach("source", Buffer.from("x"), "main.ts"),
      by(key).post("/func?name=none").send("x"),
      by(key).get("/metrics"),
      by(key).get("/usage"),
      by(key).get("/usage?function=c"),
      by(key).get("/key"),
      by(key)
        .post("/key")
        .send({ name: "more", scopes: ["admin"] }),
    ];
    for (const [index, send] of refused.entries()) {
      if (send.method === "HEAD") assert.equal((await send).status, 403);
      else assert.equal(await code(send), "insufficient_scope", `${index} ${send.method} ${send.url}`);
    }
    assert.equal((await skiff.platform.find("c"))?.version, 1);
    assert.equal(skiff.builder.built.includes("x"), false);
  });

  it("are shown by /whoami", async () => {
    const { body } = await by(keys.get("run")!).get("/whoami").expect(200);
    assert.match(body.by, /^key run \(k\w{9}\)$/);
    assert.deepEqual([body.scopes, body.keyId], [["run"], /\((.*)\)/.exec(body.by)![1]]);
    const { url, ...holder } = (await by(TOKEN).get("/whoami")).body;
    assert.deepEqual(holder, { by: "token", scopes: SCOPES });
    assert.match(url, /^http:/);
  });

  it("are all there on loopback without a token, unless a key is sent", async () => {
    const local = await startManager();
    try {
      const app = request.agent(local.url);
      const { url: _, ...holder } = (await app.get("/whoami").expect(200)).body;
      assert.deepEqual(holder, { by: "local", scopes: SCOPES });
      const { key } = (
        await app
          .post("/key")
          .send({ name: "ci", scopes: ["read"] })
          .expect(201)
      ).body;
      const whoami = await app.get("/whoami").set({ authorization: `Bearer ${key}` });
      assert.deepEqual(whoami.body.scopes, ["read"]);
      await app
        .post("/func?name=x")
        .set({ authorization: `Bearer ${key}` })
        .send("x")
        .expect(403);
      const wrong = `Bearer ${key.slice(0, -3)}AAA`;
      await app.get("/func").set({ authorization: wrong }).expect(401);
      // Credentials of another service are not Skiff's.
      await app.get("/func").set({ authorization: "Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc" }).expect(200);
    } finally {
      await local.stop();
    }
  });
});
