import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { load } from "js-yaml";
import request from "supertest";
import { extract } from "tar-stream";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { zipOf } from "../../runtimes/deno/build/building.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, actions, apply } from "./folders.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

/** The files of a tar.gz as text. */
async function filesOf(archive: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const unpacking = extract();
  unpacking.end(gunzipSync(archive));
  for await (const entry of unpacking) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files[entry.header.name] = Buffer.concat(chunks).toString();
  }
  return files;
}

describe("manager: exporting functions", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const exported = async (query = "", { url } = skiff): Promise<Buffer> => {
    const answer = await request(url)
      .get(`/export${query}`)
      .buffer()
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk)).on("end", () => done(null, Buffer.concat(chunks)));
      });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/gzip"]);
    return answer.body;
  };
  const applyArchive = async (archive: Buffer, { url } = skiff) =>
    await request(url).post("/apply").set("content-type", "application/gzip").send(archive);
  const post = (name: string, body: string | Buffer, query = "") =>
    request(skiff.url)
      .post(`/func?name=${name}&${query}`)
      .set("content-type", "application/zip")
      .send(body)
      .expect(201);

  it("gives a folder with their sources and the settings that differ from the defaults", async () => {
    for (const name of ["db-password", "db-user"])
      await skiff.platform.secrets.put(name, { value: "FINDME" });
    await post("plain", "export default () => 1;\n");
    const settings =
      "min=1&timeout=1500ms&idle=2m&memory=256Mi&env=TOKEN=s3cret&env=A=a&net=none&sys=cpus,uid&hosts=a.example.com";
    await post("full", "two", `${settings}&access=key&rate=10/m&monthly=5&entry=main.ts`);
    await post(
      "folder",
      Buffer.from(zipOf({ "x/main.ts": "3", "x/lib/a.ts": "4" })),
      "secrets=db-password,db-user",
    );
    await post("renamed", "5", "secrets=PGUSER=db-user");
    const archive = await exported("?values=true");
    assert.equal(gunzipSync(archive).includes("FINDME"), false, "a secret has no value in it");
    const { "skiff.yaml": manifest, ...sources } = await filesOf(await exported());
    assert.deepEqual(sources, {
      "folder/lib/a.ts": "4",
      "folder/main.ts": "3",
      "full.ts": "two",
      "plain.ts": "export default () => 1;\n",
      "renamed.ts": "5",
    });
    assert.deepEqual(load(manifest!), {
      functions: {
        folder: { secrets: ["db-password", "db-user"] },
        full: {
          ...{ min: 1, timeout: "1500ms", idle: "2m", memory: "256Mi", net: [], sys: ["cpus", "uid"] },
          ...{ entry: "main.ts", hosts: ["a.example.com"], access: "key", rate: "10/m", monthly: 5 },
          env: { A: "***", TOKEN: "***" },
        },
        plain: {},
        renamed: { secrets: { PGUSER: "db-user" } },
      },
    });
  });

  it("is what an apply takes: nothing to do here, the same elsewhere", async () => {
    await skiff.platform.secrets.put("db", { value: "v" });
    await post("plain", "1", "env=A=a&quota.rate=1".replace("quota.rate=1", "rate=1/s"));
    await post("folder", Buffer.from(zipOf({ "main.ts": "3", "lib/a.ts": "4" })), "min=2&secrets=db");
    const here = await applyArchive(await exported());
    assert.deepEqual(actions(here), ["unchanged folder done", "unchanged plain done"]);
    const masked = await exported();
    const other = await startManager();
    await other.platform.secrets.put("db", { value: "w" });
    try {
      const refused = await applyArchive(masked, other);
      assert.match(refused.body.detail, /There is no value of A to keep: write it instead of "\*\*\*"/);
      const archive = await exported("?values=true");
      assert.deepEqual(actions(await applyArchive(archive, other)), [
        "create folder done",
        "create plain done",
      ]);
      for (const name of ["plain", "folder"]) {
        const [mine, theirs] = [await skiff.platform.find(name), await other.platform.find(name)];
        assert.deepEqual(theirs!.settings, mine!.settings);
      }
      assert.deepEqual(await filesOf(await exported("?values", other)), await filesOf(archive));
    } finally {
      await other.stop();
    }
  });

  it("says only what the skiff.yaml of a source does not say, and takes back what it says too much", async () => {
    const own = "memory: 256Mi\nmin: 1\nenv: {A: a, B: b}\nnet: none\nrate: 5/s\n";
    const files = { "skiff.yaml": "functions:\n  f: {timeout: 5s}\n", "f/main.ts": "1", "f/skiff.yaml": own };
    await apply(skiff.url, files);
    const manifest = async () =>
      (load((await filesOf(await exported()))["skiff.yaml"]!) as { functions: object }).functions;
    assert.deepEqual(await manifest(), { f: { timeout: "5s" } });
    const patch = {
      memoryMiB: null,
      env: { A: null, C: "c" },
      permissions: null,
      quota: null,
      min: 2,
      max: 3,
    };
    await request(skiff.url).patch("/func/f").send(patch).expect(200);
    const { settings } = (await skiff.platform.find("f"))!;
    assert.deepEqual(await manifest(), {
      f: {
        ...{ min: 2, max: 3, timeout: "5s", memory: "128Mi", net: ["public"], rate: null },
        env: { A: null, C: "***" },
      },
    });
    assert.deepEqual(actions(await applyArchive(await exported())), ["unchanged f done"]);
    assert.deepEqual((await skiff.platform.find("f"))!.settings, settings);
  });

  it("packs a source that does not unpack as it is", async () => {
    const broken = Buffer.from(`PK\x03\x04 no zip`);
    await post("odd", broken);
    const { "skiff.yaml": manifest, "odd.zip": source } = await filesOf(await exported());
    assert.deepEqual(load(manifest!), { functions: { odd: { source: "odd.zip" } } });
    assert.equal(source, broken.toString());
  });

  it("of nothing is an empty folder, which an apply takes", async () => {
    const archive = await exported();
    assert.deepEqual(load((await filesOf(archive))["skiff.yaml"]!), { functions: {} });
    assert.deepEqual(((await applyArchive(archive)).body as Applied).functions, []);
    await request(skiff.url).head("/export").expect(200);
  });

  it("is equal for equal functions", async () => {
    await post("a", "1");
    const [one, two] = [await exported(), await exported()];
    assert.ok(one.equals(two));
  });

  it("gives values to administrators only, and a limited key its functions", async () => {
    const guarded = await startManager({
      access: { mode: "token", tokenHash, whereabouts: "" },
      platform: skiff.platform,
    });
    try {
      for (const name of ["a", "b"]) await post(name, name, "env=TOKEN=s3cret");
      const by = (key: string) => request.agent(guarded.url).set({ authorization: `Bearer ${key}` });
      const body = { name: "ci", scopes: ["read"], functions: ["b"] };
      const { key } = (await by(TOKEN).post("/key").send(body).expect(201)).body;
      assert.equal((await by(key).get("/export?values=true")).body.code, "insufficient_scope");
      const read = async (holder: string, query = "") => {
        const answer = await fetch(`${guarded.url}/export${query}`, {
          headers: { authorization: `Bearer ${holder}` },
        });
        return await filesOf(Buffer.from(await answer.arrayBuffer()));
      };
      assert.deepEqual(Object.keys(await read(key)), ["b.ts", "skiff.yaml"]);
      assert.equal(JSON.stringify(await read(TOKEN)).includes("s3cret"), false);
      assert.equal(JSON.stringify(await read(TOKEN, "?values")).includes("s3cret"), true);
    } finally {
      await guarded.stop();
    }
  });

  it("answers a problem while nothing can be unpacked, and breaks off later", async () => {
    await post("a", Buffer.from(zipOf({ "main.ts": "1" })));
    skiff.builder.unpack = () => Promise.reject(new Error("no worker"));
    const { status, body } = await request(skiff.url).get("/export");
    assert.deepEqual([status, body.code], [500, "internal_error"]);
    // Too much for the buffers on the way, so that it is sent before the second function is read.
    const large = new Map(Array.from("abcdefgh", (name) => [name, randomBytes(1024 ** 2)]));
    await post("b", Buffer.from(zipOf({ "main.ts": "2" })));
    let unpacked = 0;
    skiff.builder.unpack = async () => {
      if (unpacked++ > 0) throw new Error("no worker");
      return { files: large };
    };
    const answer = await fetch(`${skiff.url}/export`);
    assert.equal(answer.status, 200);
    await assert.rejects(answer.arrayBuffer(), /terminated/);
  });
});
