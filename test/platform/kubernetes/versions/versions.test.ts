import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { partManifest } from "../../../../platform/kubernetes/objects/manifests.ts";
import { PART_BYTES, split } from "../../../../platform/kubernetes/versions/version-store.ts";
import {
  newRecord,
  partNames,
  recordsOf,
  type VersionRecord,
  versionsToForget,
} from "../../../../platform/kubernetes/versions/versions.ts";
import { draftOf } from "../../../support/platform/draft.ts";

const record = (version: number, bundleParts = 1, sourceParts = 1): VersionRecord => {
  const draft = draftOf("a", `export default () => ${version};`, { env: { A: "é" } });
  return newRecord(draft, {
    version,
    sourceType: "text/typescript",
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
  it("are each small enough for a ConfigMap, and join to what was split", () => {
    const bytes = randomBytes(3 * PART_BYTES + 1);
    const parts = split(bytes);
    assert.equal(parts.length, 4);
    assert.ok(parts.every(({ length }) => length <= PART_BYTES && PART_BYTES < 1024 ** 2));
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  it("are one for what is small", () => {
    assert.deepEqual(split(Buffer.from("x")), [Buffer.from("x")]);
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
