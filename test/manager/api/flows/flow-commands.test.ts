import assert from "node:assert/strict";
import request from "supertest";
import { commandRules } from "../../../../platform/images/command-rules.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import { folderOf } from "../../files/folders.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";
import { FakeRuns } from "./fake-runs.ts";

const TOKEN = "0123456789abcdef-token";
const ACCESS = { mode: "token", tokenHash: hashOf(TOKEN).toString("hex"), whereabouts: "" } as const;
const PLAIN = "steps: {a: {publish: made}}";
const COMMAND = 'steps: {a: {exec: {image: "box:1", cmd: [ls]}}}';
const LAST = 'steps: {a: {publish: made}}\nfinally: {b: {exec: {image: "other:1", cmd: [ls]}}}';

describe("manager: flows that run commands", () => {
  let skiff: StartedManager;
  const start = async (env: Readonly<Record<string, string>>) => {
    const rules = commandRules(env, false);
    skiff = await startManager({ store: new FakeRuns().asStore(), access: ACCESS, commandRules: rules });
  };
  beforeEach(() => start({ SKIFF_EXEC: "on", SKIFF_IMAGES: "box" }));
  afterEach(() => skiff.stop());

  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const create = async (...scopes: string[]): Promise<string> =>
    (await by(TOKEN).post("/key").send({ name: "k", scopes }).expect(201)).body.key;
  const put = (key: string, text: string, query = "") =>
    by(key).put(`/flow/job${query}`).set("content-type", "application/yaml").send(text);
  const refused = ({ body }: request.Response) => {
    assert.equal(body.code, "insufficient_scope");
    assert.match(body.detail, /scope run\b/);
  };

  it("need the scope run to be put, as the commands do", async () => {
    const [deploy, both] = [await create("deploy"), await create("deploy", "run")];
    for (const text of [COMMAND, LAST]) {
      refused(await put(deploy, text).expect(403));
      refused(await put(deploy, text, "?dryRun").expect(403));
    }
    await by(TOKEN).get("/flow/job").expect(404);
    await put(deploy, PLAIN).expect(201);
    refused(await put(deploy, COMMAND).expect(403));
    await put(both, COMMAND).expect(200);
  });

  it("need it to be rolled back to", async () => {
    const [deploy, both] = [await create("deploy"), await create("deploy", "run")];
    await put(both, COMMAND).expect(201);
    await put(deploy, PLAIN).expect(200);
    refused(await by(deploy).post("/flow/job/rollback").expect(403));
    assert.equal((await by(TOKEN).get("/flow/job/source").expect(200)).text, PLAIN);
    await by(both).post("/flow/job/rollback").expect(200);
  });

  it("need it to be applied, unless they are there already", async () => {
    const [deploy, both] = [await create("deploy", "read"), await create("deploy", "read", "run")];
    const apply = async (key: string, text: string, query = "") =>
      by(key)
        .post(`/apply?${query}`)
        .set({ "content-type": "application/x-tar", accept: "application/json" })
        .send(await folderOf({ "skiff.yaml": "flows: {job: job.yaml}\n", "job.yaml": text }));
    refused(await apply(deploy, COMMAND));
    refused(await apply(deploy, COMMAND, "dryRun"));
    await by(TOKEN).get("/flow/job").expect(404);
    assert.equal((await apply(both, COMMAND)).status, 200);
    assert.equal((await apply(deploy, COMMAND)).status, 200, "nothing changes");
    assert.equal((await apply(deploy, PLAIN)).status, 200);
    const { body } = await apply(both, LAST);
    assert.match(body.warnings.join(), /^flow "job": .*step "b".*other:1/);
  });

  it("are warned of where their commands would fail", async () => {
    const warnings = async () =>
      (await put(TOKEN, LAST.replace("publish: made", 'exec: {cmd: [ls], image: "box:1"}'), "?dryRun")).body
        .warnings;
    const [image, ...more] = await warnings();
    assert.match(image, /^The step "b" fails with image_not_allowed: .*other:1/);
    assert.deepEqual(more, []);
    await skiff.stop();
    await start({});
    const off = await warnings();
    assert.equal(off.length, 2);
    assert.match(off[0], /^The step "a" fails with exec_off: Commands are switched off: .*SKIFF_EXEC=on/);
  });
});
