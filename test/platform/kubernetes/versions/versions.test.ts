import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { partManifest } from "../../../../platform/kubernetes/objects/manifests.ts";
import { joinParts, PART_BYTES, splitIntoParts } from "../../../../platform/kubernetes/versions/parts.ts";
import {
  newRecord,
  partNames,
  recordsOf,
  type VersionRecord,
  versionsToForget,
} from "../../../../platform/kubernetes/versions/versions.ts";
import { draftOf } from "../../../support/platform/draft.ts";

const record = (version: number, bundleParts = 1, sourceParts = 1): VersionRecord => {
  const { content, ...draft } = draftOf("a", `export default () => ${version};`, { env: { A: "é" } });
  return newRecord({
    draft: { ...draft, ...content },
    version,
    createdAt: new Date("2030-01-01T00:00:00.123Z"),
    bundleParts,
    sourceParts,
  });
};
const parts = (each: VersionRecord) =>
  [...partNames(each, "bundle"), ...partNames(each, "source")].map((_, index) =>
    partManifest(
      each,
      { part: "bundle", index, bytes: Buffer.from("x") },
      { owner: { name: "a", uid: "u" } },
    ),
  );

describe("parts of code", () => {
  it("are each small enough for a ConfigMap, and give back what was split", async () => {
    const bytes = randomBytes(3 * PART_BYTES);
    const split = await splitIntoParts(bytes);
    assert.equal(split.length, 4);
    assert.ok(split.every(({ length }) => length <= PART_BYTES && PART_BYTES < 1024 ** 2));
    assert.ok((await joinParts(split)).equals(bytes));
  });

  it("are one for what is small or empty", async () => {
    for (const text of ["", "x"]) {
      const parts = await splitIntoParts(Buffer.from(text));
      assert.equal(parts.length, 1);
      assert.equal((await joinParts(parts)).toString(), text);
    }
  });

  it("have names that are never those of other content", () => {
    const names = [record(1), record(2)].flatMap((each) => [
      ...partNames(each, "bundle"),
      ...partNames(each, "source"),
    ]);
    assert.equal(new Set(names).size, 4);
    assert.ok(names.every((name) => /^a-v\d-[0-9a-f]{8}-\d$/.test(name)));
  });
});

describe("the stored versions of a function", () => {
  it("are read back from the ConfigMaps that carry them, in order", () => {
    const stored = [...parts(record(10, 2, 3)), ...parts(record(9))];
    assert.deepEqual(recordsOf(stored), [record(9), record(10, 2, 3)]);
  });

  it("are not those of which a part is missing", () => {
    const stored = parts(record(1, 2, 2));
    for (let missing = 0; missing < stored.length; missing++) {
      assert.deepEqual(recordsOf(stored.toSpliced(missing, 1)), [], `part ${missing}`);
    }
  });

  it("are forgotten beyond the newest ones, but never what is needed", () => {
    const records = [1, 2, 3, 4, 5].map((version) => record(version));
    const forgotten = (keep: number, ...needed: number[]) =>
      versionsToForget(records, keep, needed)
        .map(({ version }) => version)
        .sort();
    assert.deepEqual(forgotten(5), []);
    assert.deepEqual(forgotten(2, 5), [1, 2, 3]);
    assert.deepEqual(forgotten(2, 1), [2, 3]);
  });

  it("are forgotten earlier when they are large, because etcd holds them all", () => {
    const records = [1, 2, 3].map((version) => record(version, 20, 20));
    assert.deepEqual(
      versionsToForget(records, 20, [3]).map(({ version }) => version),
      [2, 1],
    );
  });
});
