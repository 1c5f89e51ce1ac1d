import assert from "node:assert/strict";
import type { KeySpec } from "../../../platform/keys/key.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf, keyIdOf, newKeyId, newKeyText } from "../../../platform/keys/key-text.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const instant = (ms: number) => new Date(ms).toISOString();

/** A key in a table. */
function keyIn(table: KeyTable, more: Partial<KeySpec> = {}) {
  const id = newKeyId();
  const text = newKeyText(id);
  const spec: KeySpec = { name: "ci", scopes: ["call"], hash: hashOf(text).toString("hex"), ...more };
  const fault = table.set(id, { ...spec });
  return { id, text, spec, fault };
}

describe("the text of a key", () => {
  it("has 256 random bits, and an id that names a declaration", () => {
    const ids = Array.from({ length: 1_000 }, newKeyId);
    assert.equal(new Set(ids).size, 1_000);
    for (const id of ids) assert.match(id, /^k[a-z2-9]{9}$/);
    const texts = ids.map(newKeyText);
    for (const [index, text] of texts.entries()) assert.equal(keyIdOf(text), ids[index]);
    assert.equal(Buffer.from(texts[0]!.slice(-43), "base64url").length, 32);
  });

  it("is not that of a key of another service", () => {
    const theirs = ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_test_abc", "sk-ant-x", "", "sk_kaaaaaaaaa_"];
    for (const text of [...theirs, `sk_kaaaaaaaaa_${"a".repeat(44)}`, `xsk_kaaaaaaaaa_${"a".repeat(43)}`])
      assert.equal(keyIdOf(text), undefined, text);
  });
});

describe("the table of keys", () => {
  let table: KeyTable;
  beforeEach(() => {
    table = new KeyTable();
  });

  it("finds a key by its text alone", () => {
    const { id, text } = keyIn(table, { functions: ["a"], quota: { rate: "5/s" } });
    const expected = { id, name: "ci", scopes: ["call"], functions: ["a"], quota: { rate: "5/s" } };
    assert.deepEqual(table.check(text, NOW), { key: expected, isExpired: false });
    const wrong = text.slice(0, -2) + (text.endsWith("AA") ? "BA" : "AA");
    for (const other of [wrong, newKeyText(id), newKeyText(newKeyId()), id, "", `${text}=`])
      assert.equal(table.check(other, NOW), undefined, other);
  });

  it("tells an expired key from a wrong one", () => {
    const { text } = keyIn(table, { expiresAt: instant(NOW) });
    assert.equal(table.check(text, NOW - 1)?.isExpired, false);
    assert.equal(table.check(text, NOW)?.isExpired, true);
  });

  it("accepts the secret before the last rotation until its end", () => {
    const before = newKeyText("kaaaaaaaaa");
    const previous = { hash: hashOf(before).toString("hex"), until: instant(NOW) };
    const text = newKeyText("kaaaaaaaaa");
    table.set("kaaaaaaaaa", { name: "ci", scopes: ["call"], hash: hashOf(text).toString("hex"), previous });
    for (const each of [text, before]) assert.equal(table.check(each, NOW - 1)?.isExpired, false);
    assert.equal(table.check(before, NOW)?.isExpired, true);
    assert.equal(table.check(text, NOW)?.isExpired, false);
  });

  it("refuses a revoked key, and one whose new spec is not valid", () => {
    const { id, text, spec } = keyIn(table);
    table.set(id, undefined);
    assert.equal(table.check(text, NOW), undefined);
    table.set(id, { ...spec });
    assert.ok(table.check(text, NOW));
    assert.equal(table.set(id, { ...spec, scopes: ["everything"] }), "its scopes is not valid");
    assert.equal(table.check(text, NOW), undefined);
  });

  for (const [member, value] of [
    ["name", ""],
    ["name", "two\nlines"],
    ["name", 7],
    ["hash", "ab"],
    ["scopes", []],
    ["scopes", "call"],
    ["functions", []],
    ["functions", ["A"]],
    ["expiresAt", "tomorrow"],
    ["expiresAt", 7],
    ["previous", null],
    ["previous", { hash: "ab", until: instant(NOW) }],
    ["quota", { rate: "fast" }],
  ] as const) {
    it(`does not accept a stored key with the ${member} ${JSON.stringify(value)}`, () => {
      const { text, fault } = keyIn(table, { [member]: value });
      assert.ok(fault);
      assert.equal(table.check(text, NOW), undefined);
    });
  }

  it("tells its listeners of every change, and a new worker of every key", () => {
    const seen: [string, unknown][] = [];
    const stop = table.watch((id, spec) => seen.push([id, spec?.name]));
    const { id, spec } = keyIn(table);
    table.set(id, { ...spec, name: "cd" });
    assert.deepEqual([...table.specs()], [[id, { ...spec, name: "cd" }]]);
    table.set(id, undefined);
    stop();
    keyIn(table);
    assert.deepEqual(seen, [
      [id, "ci"],
      [id, "cd"],
      [id, undefined],
    ]);
  });
});
