import assert from "node:assert/strict";
import { recognizeSource } from "../../../../../runtimes/deno/build/source.ts";
import { readSourceFiles } from "../../../../../runtimes/deno/build/worker/source-files.ts";
import { limits, problemOf, zipOf } from "../building.ts";

const read = async (bytes: Uint8Array) => await readSourceFiles(recognizeSource(bytes, limits), limits);

/** Changes a word of every header of a zip: at one place in local headers, at another in the directory. */
function patched(places: { local: number; central: number }, change: (word: number) => number): Buffer {
  const bytes = Buffer.from(zipOf({ "main.ts": "export default () => 'hi';" }));
  for (const [signature, at] of [
    ["PK\x03\x04", places.local],
    ["PK\x01\x02", places.central],
  ] as const) {
    const found = bytes.indexOf(signature);
    bytes.writeUInt16LE(change(bytes.readUInt16LE(found + at)), found + at);
  }
  return bytes;
}
const FLAGS = { local: 6, central: 8 };
const METHOD = { local: 8, central: 10 };

describe("a zip that cannot be read", () => {
  it("says that it is encrypted", async () => {
    for (const bytes of [patched(FLAGS, (flags) => flags | 1), patched(METHOD, () => 99)]) {
      const { detail } = await problemOf(read(bytes), "invalid_source");
      assert.equal(detail, "The zip archive is encrypted: pack it without a password.");
    }
  });

  for (const [method, name] of [
    [14, "14 (LZMA)"],
    [9, "9 (Deflate64)"],
    [12, "12 (BZip2)"],
    [93, "93 (Zstandard)"],
    [77, "77"],
  ] as const) {
    it(`names the compression method ${name}`, async () => {
      const { detail } = await problemOf(read(patched(METHOD, () => method)), "invalid_source");
      assert.equal(
        detail,
        `"main.ts" in the archive uses compression method ${name}: pack it with Deflate or Store.`,
      );
    });
  }

  it("refuses special files", async () => {
    const bytes = Buffer.from(zipOf({ "main.ts": "" }, { os: 3, attrs: 0o010644 << 16 }));
    const { detail } = await problemOf(read(bytes), "invalid_source");
    assert.match(detail, /"main\.ts" in the archive is a special file/);
  });
});
