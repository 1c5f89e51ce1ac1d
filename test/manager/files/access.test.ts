import assert from "node:assert/strict";
import request from "supertest";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, actions, folderOf } from "./folders.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

describe("manager: keys and folders", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({ access: { mode: "token", tokenHash, whereabouts: "" } });
    for (const name of ["a", "b"]) await by(TOKEN).post(`/func?name=${name}`).send(name).expect(201);
  });
  afterEach(() => skiff.stop());

  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const create = async (body: object): Promise<string> =>
    (
      await by(TOKEN)
        .post("/key")
        .send({ name: "ci", ...body })
        .expect(201)
    ).body.key;
  const apply = async (key: string, files: Record<string, string>, query = "") =>
    await by(key)
      .post(`/apply?${query}`)
      .set("content-type", "application/x-tar")
      .send(await folderOf(files));

  it("deploys and removes only the functions of a limited key", async () => {
    const key = await create({ scopes: ["read", "deploy"], functions: ["a", "c"] });
    const c = { "skiff.yaml": "functions:\n  c:\n", "c.ts": "1" };
    assert.deepEqual(actions(await apply(key, c, "prune")), ["create c done", "remove a done"]);
    const { status, body } = await apply(key, { "skiff.yaml": "functions:\n  b:\n", "b.ts": "1" });
    assert.deepEqual([status, body.code], [403, "insufficient_scope"]);
    assert.equal((await skiff.platform.find("b"))?.version, 1);
  });

  it("gives no function of a limited key a kept version with a secret that it has no more", async () => {
    const key = await create({ scopes: ["deploy"], functions: ["a"] });
    await skiff.platform.secrets.put("db", { value: "v" });
    await by(TOKEN).put("/func/a?secrets=db").send("with").expect(200);
    await by(TOKEN).put("/func/a?secrets=none").send("without").expect(200);
    const split = {
      "skiff.yaml": `functions:
  a:
    versions:
    - { weight: 90, source: with.ts, secrets: [db] }
    - { weight: 10, source: without.ts }
`,
      "with.ts": "with",
      "without.ts": "without",
    };
    const { status, body } = await apply(key, split);
    assert.deepEqual([status, body.code], [422, "apply_failed"], JSON.stringify(body));
    assert.match(body.detail, /cannot give one the secret "db"/);
    assert.deepEqual(skiff.platform.endpoints("a")?.traffic, [{ version: 3, weight: 1 }]);
    assert.equal((await apply(TOKEN, split)).status, 200);
    assert.equal((await apply(key, split)).status, 200);
  });

  it("shows no source to a key that may not read", async () => {
    const key = await create({ scopes: ["deploy"] });
    const files = { "skiff.yaml": "functions:\n  a: {min: 1}\n", "a.ts": "other" };
    const [planned] = ((await apply(key, files, "dryRun")).body as Applied).functions;
    assert.deepEqual([planned!.action, planned!.diff], ["update", ""]);
    assert.match((await apply(TOKEN, files, "dryRun")).body.functions[0].diff, /^\+min: 1$[\s\S]*^-a$/m);
  });
});
