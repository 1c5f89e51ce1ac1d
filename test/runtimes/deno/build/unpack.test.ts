import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { recognizeSource } from "../../../../runtimes/deno/build/source.ts";
import { problemOf, startBuilder, tarOf, zipOf } from "./building.ts";

describe("unpacking a source", () => {
  let builder: Awaited<ReturnType<typeof startBuilder>>;
  before(async () => {
    builder = await startBuilder();
  });
  after(() => builder.close());

  const unpack = (bytes: Uint8Array) =>
    builder.builder.unpack(recognizeSource(bytes, { sourceBytes: builder.builder.folderBytes }));
  const texts = (files: ReadonlyMap<string, Uint8Array>) =>
    Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));

  it("gives the files of every kind of archive, without the folder around them", async () => {
    const files = { "shop/a.ts": "1", "shop/lib/b.ts": "2", "shop/.git/HEAD": "x", "shop/.DS_Store": "x" };
    for (const archive of [await tarOf(files), zipOf(files)]) {
      assert.deepEqual(texts((await unpack(archive)).files), { "a.ts": "1", "lib/b.ts": "2" });
    }
  });

  it("gives one file as main.ts, built or not", async () => {
    const { files, manifest } = await unpack(Buffer.from("export default () => {"));
    assert.deepEqual(texts(files), { "main.ts": "export default () => {" });
    assert.equal(manifest, undefined);
  });

  it("gives the manifest with the place of each member and entry", async () => {
    const text = `functions:
  hello: &base
    memory: 256Mi
    "net": [public, a.example]
  "a/b~c":
    <<: *base
    env: { A: "1" }
`;
    const { files, manifest } = await unpack(await tarOf({ "skiff.yaml": text, "hello.ts": "1" }));
    assert.ok(files.has("skiff.yaml"), "it is one of the files");
    assert.equal(manifest?.file, "skiff.yaml");
    assert.equal(manifest.text, text);
    const base = { memory: "256Mi", net: ["public", "a.example"] };
    assert.deepEqual(manifest.value, { functions: { hello: base, "a/b~c": { ...base, env: { A: "1" } } } });
    assert.deepEqual(manifest.places, {
      "/functions": [1, 1],
      "/functions/hello": [2, 3],
      "/functions/hello/memory": [3, 5],
      "/functions/hello/net": [4, 6],
      "/functions/hello/net/0": [4, 13],
      "/functions/hello/net/1": [4, 21],
      "/functions/a~1b~0c": [5, 4],
      "/functions/a~1b~0c/<<": [6, 5],
      "/functions/a~1b~0c/env": [7, 5],
      "/functions/a~1b~0c/env/A": [7, 12],
    });
  });

  it("reads functions.yaml where no skiff.yaml is", async () => {
    const both = { "functions.yaml": "a: 1", "skiff.yaml": "b: 1" };
    assert.equal((await unpack(await tarOf({ "functions.yaml": "a: 1" }))).manifest?.file, "functions.yaml");
    assert.equal((await unpack(await tarOf(both))).manifest?.file, "skiff.yaml");
  });

  it("says where a manifest is no YAML", async () => {
    const broken = unpack(await tarOf({ "skiff.yaml": "functions:\n  a: [1\n", "a.ts": "" }));
    const { detail, extensions } = await problemOf(broken, "invalid_source");
    assert.match(detail, /^skiff\.yaml:3:1: not valid YAML: /);
    const { message, ...place } = extensions.errors![0]!;
    assert.match(message, /^not valid YAML: /);
    assert.deepEqual(place, { file: "skiff.yaml", line: 3, column: 1, lineText: "" });
  });

  it("refuses a manifest that is no UTF-8", async () => {
    const latin = zipOf({ "skiff.yaml": Buffer.from("a: caf\xe9\n", "latin1"), "a.ts": "" });
    const { detail } = await problemOf(unpack(latin), "invalid_source");
    assert.equal(detail, "skiff.yaml is not valid UTF-8: save it in that encoding.");
  });

  it("refuses hostile archives", async () => {
    for (const name of ["../a.ts", "/etc/a.ts", "a/../../b.ts"]) {
      await problemOf(unpack(await tarOf({ [name]: "x" })), "invalid_source");
    }
    const merges = Array.from({ length: 40 }, (_, i) => `m${i + 1}: &m${i + 1} {<<: [*m${i}, *m${i}]}\n`);
    await problemOf(
      unpack(await tarOf({ "skiff.yaml": `m0: &m0 {a: 1}\n${merges.join("")}deep: ${"[".repeat(200)}` })),
      "invalid_source",
    );
  });

  it("refuses more than folderBytes once unpacked", async () => {
    const limits = { ...limitsFromEnv({}), sourceBytes: 10_000 };
    const small = await startBuilder({ limits });
    try {
      assert.equal(small.builder.folderBytes, 30_000);
      const { gzipSync } = await import("node:zlib");
      const bomb = gzipSync(await tarOf({ "a.ts": "x".repeat(40_000) }));
      const refused = small.builder.unpack(recognizeSource(bomb, limits));
      const { detail } = await problemOf(refused, "source_too_large");
      assert.match(detail, /29\.3 KiB \(3 times SKIFF_MAX_SOURCE\)/);
    } finally {
      await small.close();
    }
  });
});
