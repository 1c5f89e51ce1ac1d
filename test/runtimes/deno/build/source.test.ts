import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { becomesModule, recognizeSource } from "../../../../runtimes/deno/build/source.ts";
import { readSourceFiles } from "../../../../runtimes/deno/build/worker/source-files.ts";
import { limits, problemOf, type TarEntry, tarOf, zipOf } from "./building.ts";

const small = { ...limits, sourceBytes: 100_000 };
const read = async (bytes: Uint8Array, within = limits) =>
  await readSourceFiles(recognizeSource(bytes, within), within);
const recognize = async (bytes: Uint8Array, within = limits) => recognizeSource(bytes, within);
const main = "export default () => 'hi';";

describe("recognizing a source", () => {
  it("tells text, tar, gzip and zip from the bytes", async () => {
    const tar = await tarOf({ "main.ts": main });
    assert.equal(recognizeSource(Buffer.from(main), limits).type, "text/typescript");
    assert.equal(recognizeSource(tar, limits).type, "application/x-tar");
    assert.equal(recognizeSource(gzipSync(tar), limits).type, "application/gzip");
    assert.equal(recognizeSource(zipOf({ "main.ts": main }), limits).type, "application/zip");
  });

  it("knows that a file without imports, JSX and CommonJS becomes a module", async () => {
    const becomes = (text: string) => becomesModule(recognizeSource(Buffer.from(text), limits));
    assert.ok(becomes(main));
    assert.ok(becomes("export default { fetch: (request: Request) => new Response(request.url) };"));
    for (const text of [
      `import { Hono } from "npm:hono"; ${main}`,
      `export { default } from "https://example.com/a.ts";`,
      `export default () => <p>hi</p>;`,
      `exports.handler = () => "hi";`,
      `module.exports = () => "hi";`,
      `const fs = require("fs"); ${main}`,
      `${main} console.log(Deno.mainModule);`,
      `${main} addEventListener("load", () => {});`,
      `${main}\n//${" ".repeat(64 * 1024)}`,
    ]) {
      assert.equal(becomes(text), false, text.slice(0, 80));
    }
    const tar = await tarOf({ "main.ts": main });
    assert.equal(becomesModule(recognizeSource(tar, limits)), false);
  });

  it("takes text that begins with PK, or has ustar at byte 257, as text", () => {
    assert.equal(recognizeSource(Buffer.from("PKG = 1;"), limits).type, "text/typescript");
    const text = `//${" ".repeat(255)}ustar`;
    assert.equal(recognizeSource(Buffer.from(text), limits).type, "text/typescript");
  });

  it("refuses an empty body, binary data and what is not UTF-8, and says what to post", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("a\0b"), Buffer.from([0x61, 0xff, 0xfe])]) {
      const { detail } = await problemOf(recognize(bytes), "invalid_source");
      assert.match(detail, /post (a )?TypeScript/);
    }
  });

  it("refuses a source over the limit and names the limit", async () => {
    const { detail, status } = await problemOf(
      recognize(Buffer.alloc(100_001, "a"), small),
      "source_too_large",
    );
    assert.match(detail, /97\.7 KiB \(SKIFF_MAX_SOURCE\)/);
    assert.equal(status, 413);
  });
});

describe("reading the files of a source", () => {
  it("reads the same files from tar, tar.gz and zip", async () => {
    const files = { "main.ts": main, "lib/a.ts": "export {};" };
    const tar = await tarOf(files);
    for (const bytes of [tar, gzipSync(tar), zipOf(files), zipOf(files, { level: 0 })]) {
      const found = await read(bytes);
      assert.deepEqual([...found.keys()].sort(), ["lib/a.ts", "main.ts"]);
      assert.equal(Buffer.from(found.get("main.ts")!).toString(), main);
    }
  });

  it("reads what the system's tar packs with folders and a leading ./", async () => {
    const folder = await mkdtemp(join(tmpdir(), "skiff-tar-"));
    try {
      await mkdir(join(folder, "lib"));
      await writeFile(join(folder, "main.ts"), main);
      await writeFile(join(folder, "lib", `${"long".repeat(40)}.ts`), "export {};");
      for (const flags of ["-cf", "-czf"]) {
        const bytes = execFileSync("tar", ["-C", folder, flags, "-", "."]);
        assert.deepEqual([...(await read(bytes)).keys()].sort(), [`lib/${"long".repeat(40)}.ts`, "main.ts"]);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("reads names in UTF-8 from a zip that does not say that they are", async () => {
    const bytes = Buffer.from(zipOf({ "main.ts": main, "ün ï/😀.ts": "export {};" }));
    // The flag is bit 11 of the word at byte 6 of a local header and at byte 8 of a central one.
    for (const [signature, at] of [
      ["PK\x03\x04", 6],
      ["PK\x01\x02", 8],
    ] as const) {
      for (let found = bytes.indexOf(signature); found >= 0; found = bytes.indexOf(signature, found + 4)) {
        bytes.writeUInt16LE(bytes.readUInt16LE(found + at) & ~0x800, found + at);
      }
    }
    assert.deepEqual([...(await read(bytes)).keys()].sort(), ["main.ts", "ün ï/😀.ts"]);
    const latin1 = Buffer.from(zipOf({ "main.ts": main, "ab.ts": "export {};" }));
    for (let found = latin1.indexOf("ab.ts"); found >= 0; found = latin1.indexOf("ab.ts", found + 2))
      latin1[found] = 0xfc;
    assert.deepEqual([...(await read(latin1)).keys()].sort(), ["main.ts", "üb.ts"]);
  });

  it("reads a zip with large entries, which are unpacked on another thread", async () => {
    const text = `export const text = "${"x".repeat(2_000_000)}";`;
    assert.equal((await read(zipOf({ "main.ts": text }))).get("main.ts")!.length, text.length);
  });

  const hostile: Record<string, TarEntry[]> = {
    "a path that leaves it": [{ name: "../main.ts" }],
    "a path that leaves it further down": [{ name: "lib/../../main.ts" }],
    "an absolute path": [{ name: "/etc/main.ts" }],
    "a drive letter": [{ name: "C:/main.ts" }],
    "a backslash": [{ name: "..\\main.ts" }],
    "a symbolic link": [{ name: "main.ts", type: "symlink", linkname: "/etc/passwd" }],
    "a hard link": [{ name: "main.ts", type: "link", linkname: "/etc/passwd" }],
    "a device": [{ name: "main.ts", type: "character-device" }],
    "a named pipe": [{ name: "main.ts", type: "fifo" }],
    "the same path twice": [{ name: "main.ts" }, { name: "./main.ts" }],
    "a folder that leaves it": [{ name: "../x/", type: "directory" }, { name: "main.ts" }],
  };
  for (const [what, entries] of Object.entries(hostile)) {
    it(`refuses a tar with ${what}`, async () => {
      const { detail } = await problemOf(read(await tarOf(entries)), "invalid_source");
      assert.match(detail, /in the archive (has|is)/);
    });
  }

  for (const path of ["../main.ts", "/main.ts", "a\\main.ts", "C:main.ts", "a\0.ts"]) {
    it(`refuses a zip with the path ${JSON.stringify(path)}`, async () => {
      const { detail } = await problemOf(read(zipOf({ [path]: main, "main.ts": main })), "invalid_source");
      assert.match(detail, /in the archive has/);
    });
  }

  it("refuses archives with over 20,000 files", async () => {
    const files = Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`f${index}`, ""]));
    // Packing as many into a tar takes seconds; the count is the same for both.
    assert.match((await problemOf(read(zipOf(files)), "invalid_source")).detail, /over 20000 files/);
  });

  it("stops unpacking a decompression bomb, in gzip and in zip", async () => {
    const text = "x".repeat(5_000_000);
    for (const bytes of [gzipSync(await tarOf({ "main.ts": text })), zipOf({ "main.ts": text })]) {
      assert.ok(bytes.length < small.sourceBytes);
      assert.match((await problemOf(read(bytes, small), "source_too_large")).detail, /unpacked/);
    }
  });

  it("does not believe a zip that understates what it unpacks to", async () => {
    const bytes = Buffer.from(zipOf({ "main.ts": "x".repeat(5_000_000) }));
    const directory = bytes.lastIndexOf(Buffer.from("PK\x01\x02", "latin1"));
    bytes.writeUInt32LE(10, directory + 24);
    const files = await read(bytes, small).catch((error: unknown) => error);
    if (files instanceof Map) assert.ok(files.get("main.ts").length <= 10);
    else assert.match(String(files), /invalid_source/);
  });

  it("refuses archives that are cut off or damaged", async () => {
    const tar = await tarOf({ "main.ts": main.repeat(100) });
    const zip = zipOf({ "main.ts": main.repeat(100) });
    const damaged = Buffer.from(tar);
    damaged[150] = 0x39;
    const cut = [
      tar.subarray(0, 1_000),
      gzipSync(tar).subarray(0, 60),
      zip.subarray(0, zip.length - 10),
      damaged,
    ];
    for (const bytes of cut) await problemOf(read(bytes), "invalid_source");
  });

  it("refuses gzip without an archive in it", async () => {
    const { detail } = await problemOf(read(gzipSync(main)), "invalid_source");
    assert.match(detail, /post one file as plain text/);
  });
});
