import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import request from "supertest";
import { zipOf } from "../../runtimes/deno/build/building.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, actions, apply, folderOf } from "./folders.ts";

const TWO = {
  "skiff.yaml": "functions:\n  a: {memory: 256Mi, env: {TOKEN: s3cret, B: b}}\n  b:\n",
  "a.ts": "export default () => 1;\n",
  "b/main.ts": "import './lib.ts';\n",
  "b/lib.ts": "1\n2\n3\n",
};

describe("manager: applying a folder", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const applyTo = (files: Record<string, string>, query = "") => apply(skiff.url, files, query);
  const versionOf = async (name: string) => (await skiff.platform.find(name))?.version;

  it("deploys its functions, and says where they are", async () => {
    const { body, status } = await applyTo(TWO);
    assert.equal(status, 200);
    const [a, b] = (body as Applied).functions;
    assert.deepEqual([a!.version, a!.url, b!.url], [1, `${skiff.url}/fn/a`, `${skiff.url}/fn/b`]);
    assert.equal(body.dryRun, false);
    assert.match(skiff.lines.join("\n"), /^deployed a version 1 /m);
  });

  it("takes no If-Match, which names one function", async () => {
    const send = request(skiff.url).post("/apply").set("content-type", "application/x-tar");
    const { status, body } = await send.set("if-match", '"1"').send(await folderOf(TWO));
    assert.deepEqual([status, body.code], [400, "invalid_request"]);
    assert.match(body.detail, /^If-Match has no meaning here/);
    assert.equal(await versionOf("a"), undefined);
  });

  it("does nothing the second time, whatever archive the folder comes in", async () => {
    await applyTo(TWO);
    const builds = skiff.builder.built.length;
    const tar = await folderOf(TWO);
    const around = await folderOf(
      Object.fromEntries(Object.entries(TWO).map(([path, text]) => [`x/${path}`, text])),
    );
    for (const archive of [tar, gzipSync(tar), Buffer.from(zipOf(TWO)), around]) {
      const answer = await request(skiff.url)
        .post("/apply")
        .set("content-type", "application/x-tar")
        .send(archive);
      assert.deepEqual(actions(answer), ["unchanged a done", "unchanged b done"]);
    }
    assert.deepEqual([await versionOf("a"), await versionOf("b")], [1, 1]);
    assert.equal(skiff.builder.built.length, builds);
  });

  it("does not deploy a function again that came as another archive with the same files", async () => {
    await request(skiff.url)
      .post("/func?name=b")
      .set("content-type", "application/zip")
      .send(Buffer.from(zipOf({ "b/main.ts": TWO["b/main.ts"], "b/lib.ts": TWO["b/lib.ts"] })))
      .expect(201);
    assert.deepEqual(actions(await applyTo(TWO)), ["create a done", "unchanged b done"]);
    const { body } = await applyTo({ ...TWO, "skiff.yaml": "functions:\n  a:\n  b: {min: 1}\n" });
    assert.equal(body.functions[1].diff, "--- /dev/null\n+++ b/settings\n@@ -0,0 +1,1 @@\n+min: 1\n");
  });

  it("only says what it would do with dryRun", async () => {
    assert.deepEqual(actions(await applyTo(TWO, "dryRun")), ["create a planned", "create b planned"]);
    assert.equal(await versionOf("a"), undefined);
    await applyTo(TWO);
    const changed = {
      ...TWO,
      "skiff.yaml": "functions:\n  a: {memory: 512Mi, env: {TOKEN: other, B: b, C: c}}\n  b:\n",
      "b/lib.ts": "1\n2\n4\n",
    };
    const { body } = await applyTo(changed, "dryRun=true");
    const [a, b] = (body as Applied).functions;
    assert.equal(
      a!.diff,
      `--- a/settings
+++ b/settings
@@ -1,4 +1,5 @@
-memory: 256Mi
+memory: 512Mi
 env:
   B: '***'
-  TOKEN: '***'
+  C: '***'
+  TOKEN: '*** (changed)'
`,
    );
    assert.equal(b!.diff, "--- a/lib.ts\n+++ b/lib.ts\n@@ -1,3 +1,3 @@\n 1\n 2\n-3\n+4\n");
    assert.deepEqual([await versionOf("a"), await versionOf("b"), a!.version], [1, 1, 1]);
  });

  it("shows the plan as text to whoever asks for text", async () => {
    await applyTo(TWO);
    const archive = await folderOf({
      ...TWO,
      "skiff.yaml": "functions:\n  a: {memory: 256Mi, env: {TOKEN: s3cret}}\n",
    });
    const plan = await request(skiff.url)
      .post("/apply?dryRun&prune")
      .set("accept", "text/plain")
      .send(archive);
    assert.match(plan.headers["content-type"]!, /^text\/plain/);
    assert.equal(
      plan.text,
      `~ update a
--- a/settings
+++ b/settings
@@ -1,4 +1,3 @@
 memory: 256Mi
 env:
-  B: '***'
   TOKEN: '***'
- remove b
Plan: 1 update, 1 remove.
`,
    );
  });

  it("shows no control characters of a source in the text", async () => {
    await applyTo(TWO);
    const hostile = { ...TWO, "a.ts": "export default () => '\u001b[2J\u202e';\n" };
    const plan = await request(skiff.url)
      .post("/apply?dryRun")
      .set("accept", "text/plain")
      .send(await folderOf(hostile));
    assert.match(plan.text, /^\+export default \(\) => '\\x1b\[2J\\u202e';$/m);
  });

  it("sets every setting that the file leaves out to its default", async () => {
    await applyTo(TWO);
    await request(skiff.url)
      .patch("/func/b")
      .send({ min: 2, env: { X: "x" } })
      .expect(200);
    assert.deepEqual(actions(await applyTo(TWO)), ["unchanged a done", "update b done"]);
    const { min, env } = (await skiff.platform.find("b"))!.settings;
    assert.deepEqual([min, env], [0, {}]);
  });

  it("keeps values of variables that the file leaves out as ***", async () => {
    await applyTo(TWO);
    const text = "functions:\n  a: {memory: 512Mi, env: {TOKEN: '***', B: new}}\n  b:\n";
    assert.equal((await applyTo({ ...TWO, "skiff.yaml": text })).status, 200);
    assert.deepEqual((await skiff.platform.find("a"))!.settings.env, { TOKEN: "s3cret", B: "new" });
  });

  it("notes with each new version who deployed it, and why", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const files = { "skiff.yaml": "functions:\n  a: {message: own}\n  b:\n", "a.ts": "1", "b.ts": "2" };
    await applyTo(files, `message=all&commit=${commit}`);
    const noteOf = async (name: string) => (await skiff.platform.find(name))!.note;
    assert.deepEqual(await noteOf("a"), { by: "local", message: "own", commit });
    assert.deepEqual(await noteOf("b"), { by: "local", message: "all", commit });
    assert.match((await applyTo(files, "commit=1")).body.detail, /^commit=1 must be the full id/);
  });

  it("removes nothing without prune, and everything else with it", async () => {
    await applyTo(TWO);
    const one = { "skiff.yaml": "functions:\n  c:\n", "c.ts": "1" };
    assert.deepEqual(actions(await applyTo(one)), ["create c done"]);
    const pruned = await applyTo(one, "prune");
    assert.deepEqual(actions(pruned), ["unchanged c done", "remove a done", "remove b done"]);
    assert.equal(pruned.body.functions[1].url, undefined);
    assert.deepEqual(
      (await skiff.platform.list({ limit: 10 })).map(({ name }) => name),
      ["c"],
    );
    assert.deepEqual(actions(await applyTo({ "skiff.yaml": "functions: {}\n" }, "prune")), ["remove c done"]);
  });

  it("reports a function that fails, deploys the others, and removes none", async () => {
    await applyTo({ "skiff.yaml": "functions:\n  old:\n", "old.ts": "1" });
    const files = { ...TWO, "b/lib.ts": "BROKEN" };
    const { status, body } = await applyTo(files, "prune");
    assert.deepEqual([status, body.code], [422, "apply_failed"]);
    assert.match(
      body.detail,
      /^1 of 3 functions failed; the others are as .*\nb: main\.ts:3:7: Unexpected end/,
    );
    const results = (body as Applied).functions.map(
      ({ action, name, state }) => `${action} ${name} ${state}`,
    );
    assert.deepEqual(results, ["create a done", "create b failed", "remove old skipped"]);
    assert.equal(body.functions[1].problem.code, "build_failed");
    assert.deepEqual([await versionOf("a"), await versionOf("b"), await versionOf("old")], [1, undefined, 1]);
    const again = await applyTo({ ...files, "b/lib.ts": "mended" }, "prune");
    assert.deepEqual(actions(again), ["unchanged a done", "create b done", "remove old done"]);
  });

  it("moves a host name from one function to another, also from one that it removes", async () => {
    const hosts = (a: string, b: string) => ({
      "skiff.yaml": `functions:\n  a: {hosts: [${a}]}\n  b: {hosts: [${b}]}\n`,
      ...{ "a.ts": "1", "b.ts": "2" },
    });
    await applyTo(hosts("x.example.com", ""));
    assert.equal((await applyTo(hosts("", "x.example.com"))).status, 200);
    assert.deepEqual((await skiff.platform.find("b"))!.settings.hosts, ["x.example.com"]);
    const renamed = { "skiff.yaml": "functions:\n  c: {hosts: [x.example.com]}\n", "c.ts": "3" };
    const answer = await applyTo(renamed, "prune");
    assert.deepEqual(actions(answer), ["create c done", "remove a done", "remove b done"]);
    const { status, body } = await applyTo({
      "skiff.yaml": "functions:\n  d: {hosts: [x.example.com]}\n",
      "d.ts": "4",
    });
    assert.deepEqual([status, body.functions[0].problem.code], [422, "host_taken"]);
  });

  it("is refused with an unknown parameter, without a body, and with one that is no archive", async () => {
    const post = (query: string, body: string) => request(skiff.url).post(`/apply?${query}`).send(body);
    assert.equal((await post("dryrun", "x")).body.code, "invalid_request");
    assert.match((await post("", "")).body.detail, /^The body is empty, not a folder: pack the folder/);
    assert.match((await post("", "functions:\n")).body.detail, /^The body is one file, not a folder/);
    const large = await startManager({ limits: { sourceBytes: 100 } });
    try {
      const { body } = await request(large.url).post("/apply").send("x".repeat(400));
      assert.match(body.detail, /^The body is over the limit of 300 bytes: remove files/);
    } finally {
      await large.stop();
    }
  });
});
