import { strict as assert } from "node:assert";
import { isSameSource, versionHash } from "../../manager/version-hash.ts";
import type { Source } from "../../platform/platform.ts";
import { defaultSettings } from "../../platform/settings.ts";
import { LIMITS } from "./started-manager.ts";

const SETTINGS = defaultSettings(LIMITS);
const source = (text: string, type: Source["type"] = "text/typescript"): Source => ({
  bytes: Buffer.from(text),
  type,
});

describe("manager: the hash of a version", () => {
  it("is the same for the same source and settings, in whatever order they were given", () => {
    const settings = { ...SETTINGS, env: { A: "1", B: "2" } };
    const other = { ...SETTINGS, env: { B: "2", A: "1" } };
    assert.equal(versionHash(source("x"), settings), versionHash(source("x"), other));
    assert.match(versionHash(source("x"), settings), /^[0-9a-f]{64}$/);
  });

  it("differs by bytes, by type, by settings, and by where one ends and the other begins", () => {
    const hashes = [
      versionHash(source("x"), SETTINGS),
      versionHash(source("y"), SETTINGS),
      versionHash(source("x", "application/zip"), SETTINGS),
      versionHash(source("x"), { ...SETTINGS, min: 1 }),
      versionHash(source("x["), SETTINGS),
    ];
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("takes sources for the same only by bytes and type", () => {
    assert.ok(isSameSource(source("x"), source("x")));
    assert.ok(!isSameSource(source("x"), source("y")));
    assert.ok(!isSameSource(source("x"), source("x", "application/zip")));
  });
});
