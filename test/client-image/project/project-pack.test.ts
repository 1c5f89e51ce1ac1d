import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  bodyOf,
  decodeFiles,
  encodeFiles,
  joinProject,
  launchOf,
} from "../../../client-image/project/project-pack.ts";
import { packedProject } from "../../support/packed-project.ts";

const encoded = (files: Readonly<Record<string, string>>) =>
  Buffer.concat([
    ...encodeFiles(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))),
  ]);

describe("a packed project", () => {
  it("has its entry and its files again when it is unpacked", () => {
    const files = { "src/é.ts": "export default 'é';", empty: "", "a/b/c.json": "{}" };
    const packed = packedProject(files, "src/é.ts");
    assert.equal(launchOf(packed)?.entry, "src/é.ts");
    const unpacked = decodeFiles(gunzipSync(bodyOf(packed)));
    for (const [path, text] of Object.entries(files))
      assert.equal(Buffer.from(unpacked.get(path)!).toString(), text);
  });

  it("is told from a module by its first bytes", () => {
    for (const module of ["", "\0", "\0sk", "export default 1;", "\0skq project"])
      assert.equal(launchOf(Buffer.from(module)), undefined, module);
    assert.equal(
      launchOf(joinProject({ entry: "a.ts", replaced: [], importHosts: [] }, new Uint8Array()))?.entry,
      "a.ts",
    );
  });

  it("can be a part of a larger buffer", () => {
    const packed = packedProject({ a: "1" }, "a");
    const larger = Buffer.concat([Buffer.from("before"), packed, Buffer.from("behind")]);
    const part = larger.subarray(6, 6 + packed.length);
    assert.equal(launchOf(part)?.entry, "a");
    assert.equal(Buffer.from(decodeFiles(gunzipSync(bodyOf(part))).get("a")!).toString(), "1");
  });

  for (const path of ["/etc/x", "../x", "a/../../x", "a//b", "./a", "a/.", "", "a/"]) {
    it(`is refused with the path ${JSON.stringify(path)}`, () =>
      assert.throws(() => decodeFiles(encoded({ [path]: "x" })), /leaves the project/));
  }

  it("is refused if it is cut short, or too long", () => {
    const whole = encoded({ a: "12345" });
    assert.throws(() => decodeFiles(whole.subarray(0, -1)), /has \d+ bytes, its index \d+/);
    assert.throws(() => decodeFiles(Buffer.concat([whole, Buffer.from("1")])), /has \d+ bytes/);
    assert.throws(() => decodeFiles(whole.subarray(0, 6)), SyntaxError);
  });
});
