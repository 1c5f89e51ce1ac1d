import { strict as assert } from "node:assert";
import request from "supertest";
import { pack } from "tar-stream";
import { type StartedManager, startManager } from "../../started-manager.ts";

async function tar(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const packing = pack();
  for (const [name, content] of Object.entries(files)) packing.entry({ name }, Buffer.from(content));
  packing.finalize();
  return Buffer.concat(await Array.fromAsync(packing as AsyncIterable<Buffer>));
}

describe("manager: the difference of two versions", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const deploy = (source: string | Buffer, query = "") =>
    app()
      .put(`/func/hello?${query}`)
      .type("application/octet-stream")
      .send(source)
      .expect(/"version"/);
  const diff = async (version: number, query = "") => {
    const answer = await app().get(`/func/hello/versions/${version}/diff${query}`).buffer().expect(200);
    assert.equal(answer.headers["content-type"], "text/x-diff; charset=utf-8");
    return answer.text;
  };

  it("has settings and source, from the version before", async () => {
    await deploy("a\nb\nc\n", "memory=128Mi");
    await deploy("a\nB\nc\n", "memory=256Mi");
    const text = await diff(2);
    assert.match(text, /^--- a\/settings.json\n\+\+\+ b\/settings.json\n@@ /);
    assert.match(text, /^- {2}"memoryMiB": 128,\n\+ {2}"memoryMiB": 256,$/m);
    assert.ok(
      text.endsWith("--- a/source/main.ts\n+++ b/source/main.ts\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
      text,
    );
    assert.match(await diff(1, "?from=2"), /^-B\n\+b$/m);
    assert.equal(await diff(2, "?from=2"), "");
  });

  it("shows that a variable has changed, and no value", async () => {
    await deploy("one", "env=KEPT=aaa&env=CHANGED=bbb&env=GONE=ccc");
    await app()
      .patch("/func/hello")
      .send({ env: { CHANGED: "ddd", GONE: null, NEW: "eee" } })
      .expect(200);
    const text = await diff(2);
    assert.doesNotMatch(text, /aaa|bbb|ccc|ddd|eee|main\.ts/);
    assert.match(text, /^\+ {4}"CHANGED": "\*\*\* \(changed\)",$/m);
    assert.match(text, /^- {4}"GONE": "\*\*\*",$/m);
    assert.match(text, /^\+ {4}"NEW": "\*\*\*"$/m);
  });

  it("has every file of a folder, and only names binary ones", async () => {
    const binary = Buffer.from([0, 1, 2]);
    await deploy(
      await tar({ "main.ts": "one\n", "lib/old.ts": "old\n", "a.bin": binary, "same.ts": "same\n" }),
    );
    const changed = {
      "main.ts": "two\n",
      "lib/new.ts": "new\n",
      "a.bin": Buffer.from([0, 9]),
      "same.ts": "same\n",
    };
    await deploy(await tar(changed));
    const text = await diff(2);
    assert.match(text, /^Files a\/source\/a\.bin and b\/source\/a\.bin differ$/m);
    assert.match(text, /^--- \/dev\/null\n\+\+\+ b\/source\/lib\/new\.ts\n@@ -0,0 \+1,1 @@\n\+new$/m);
    assert.match(text, /^--- a\/source\/lib\/old\.ts\n\+\+\+ \/dev\/null$/m);
    assert.match(text, /^-one\n\+two$/m);
    assert.doesNotMatch(text, /same/);
  });

  it("needs two kept versions", async () => {
    await deploy("one");
    for (const query of ["", "?from=7"]) {
      const { body } = await app().get(`/func/hello/versions/1/diff${query}`).expect(404);
      assert.equal(body.code, "unknown_version", query);
    }
    await app().get("/func/hello/versions/1/diff?from=x").expect(400);
    await app().get("/func/none/versions/1/diff").expect(404);
  });
});
