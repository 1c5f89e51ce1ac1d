import assert from "node:assert/strict";
import request from "supertest";
import { packTar } from "../../../../manager/files/archive.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: the files of a source", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({ limits: { sourceBytes: 64 * 1024 } });
  });
  afterEach(() => skiff.stop());

  const put = (body: unknown, query = "") =>
    request(skiff.url)
      .put(`/func/hello${query}`)
      .send(body as object);
  const files = async (query = "") =>
    (await request(skiff.url).get(`/func/hello/files${query}`).expect(200)).body;
  const source = async () => (await skiff.platform.readSource("hello"))!;

  it("takes one file in JSON as the plain source", async () => {
    await put({ files: { "main.ts": "one" } }).expect(201);
    assert.deepEqual([(await source()).type, String((await source()).bytes)], ["text/typescript", "one"]);
    const { body } = await request(skiff.url)
      .put("/func/hello")
      .set("content-type", "text/plain")
      .send("one");
    assert.equal(body.unchanged, true);
  });

  it("takes several files, and one with an entry, as an archive", async () => {
    await put(
      { files: { "b.bin": { base64: "AP8=" }, "src/a.ts": "a" }, entry: "src/a.ts" },
      "?max=3",
    ).expect(201);
    assert.equal((await source()).type, "application/x-tar");
    const { entry, max } = (await skiff.platform.find("hello"))!.settings;
    assert.deepEqual([entry, max], ["src/a.ts", 3]);
    await put({ files: { "main.ts": "one" }, entry: "main.ts" }).expect(200);
    assert.equal((await source()).type, "application/x-tar");
  });

  it("gives the files back, as text where they are one", async () => {
    const long = "x".repeat(2 ** 20 + 1);
    const contents = { "a.ts": "ä", "b.bin": new Uint8Array([0, 255]), "long.txt": long, "z/c.ts": "" };
    const limited = await startManager();
    const tar = await packTar(
      new Map(Object.entries(contents).map(([path, text]) => [path, Buffer.from(text)])),
    );
    const url = `${limited.url}/func/hello`;
    await request(limited.url)
      .put("/func/hello?entry=a.ts")
      .set("content-type", "text/plain")
      .send(tar)
      .expect(201);
    const answer = await request(url).get("/files").expect(200);
    const [a, b, big, c] = answer.body.files;
    assert.deepEqual([answer.headers.etag, answer.body.entry, answer.body.version], ['"1"', "a.ts", 1]);
    assert.deepEqual(
      [a, c],
      [
        { path: "a.ts", bytes: 2, text: "ä" },
        { path: "z/c.ts", bytes: 0, text: "" },
      ],
    );
    assert.deepEqual(b, { path: "b.bin", bytes: 2, base64: "AP8=" });
    assert.equal(Buffer.from(big.base64, "base64").toString(), long);
    await limited.stop();
  });

  it("gives back an older version, and a plain source as main.ts", async () => {
    await put({ files: { "main.ts": "one" } });
    await put({ files: { "main.ts": "two" } });
    assert.deepEqual(await files(), { version: 2, files: [{ path: "main.ts", bytes: 3, text: "two" }] });
    assert.equal((await files("?version=1")).files[0].text, "one");
    const { body } = await request(skiff.url).get("/func/hello/files?version=3").expect(404);
    assert.equal(body.code, "unknown_version");
    assert.equal(
      (await request(skiff.url).get("/func/none/files").expect(404)).body.code,
      "unknown_function",
    );
  });

  it("refuses what it cannot read, naming it", async () => {
    for (const [body, detail] of [
      [{ files: {} }, /has no file/],
      [{ file: {} }, /unknown member "file"/],
      [{ files: { "a.ts": 1 } }, /the file "a.ts", which is neither/],
      [{ files: { "a.ts": { base64: "?" } } }, /the file "a.ts", which is neither/],
      [{ files: { "a/": "x" } }, /the file "a\/", which is no path/],
      [{ files: { "a.ts": "x" }, entry: "b.ts" }, /no file "b.ts", which is its entry/],
      ['{"files": {"a.ts": "x"', /cannot be read: /],
    ] as const) {
      const answer = await request(skiff.url)
        .put("/func/hello")
        .set("content-type", "application/json")
        .send(body);
      assert.deepEqual([answer.status, answer.body.code], [400, "invalid_source"], JSON.stringify(body));
      assert.match(answer.body.detail, detail);
    }
    const twice = await put({ files: { "a.ts": "x" }, entry: "a.ts" }, "?entry=b.ts").expect(400);
    assert.equal(twice.body.code, "invalid_setting");
    const large = await put({ files: { "a.ts": "x".repeat(70_000), "b.ts": "" } }).expect(413);
    assert.equal(large.body.code, "source_too_large");
  });

  it("takes other bodies with that type as they are", async () => {
    await request(skiff.url)
      .put("/func/hello")
      .set("content-type", "application/json")
      .send("code()")
      .expect(201);
    assert.equal(String((await source()).bytes), "code()");
  });
});
