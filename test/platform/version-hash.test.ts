import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import type { Source } from "../../platform/platform.ts";
import { canonicalSettings, defaultSettings } from "../../platform/settings.ts";
import { isSameSource, versionHash } from "../../platform/version-hash.ts";
import { LIMITS } from "../manager/started-manager.ts";

const SETTINGS = defaultSettings(LIMITS);
const source = (text: string, type: Source["type"] = "text/typescript"): Source => ({
  bytes: Buffer.from(text),
  type,
});

describe("manager: the hash of a version", () => {
  it("is the same for the same source and settings, in whatever order they were given", async () => {
    const settings = { ...SETTINGS, env: { A: "1", B: "2" } };
    const other = { ...SETTINGS, env: { B: "2", A: "1" } };
    assert.equal(await versionHash(source("x"), settings), await versionHash(source("x"), other));
    assert.match(await versionHash(source("x"), settings), /^[0-9a-f]{64}$/);
  });

  it("is that of the whole source, however many pieces it is read in", async () => {
    const bytes = Buffer.alloc(5 * 1024 ** 2 + 3, "abcdefg");
    const whole = createHash("sha256").update(`text/typescript\n${bytes.length}\n`).update(bytes);
    const expected = whole.update(canonicalSettings(SETTINGS)).digest("hex");
    assert.equal(await versionHash({ bytes, type: "text/typescript" }, SETTINGS), expected);
  });

  it("lets other work in between", async () => {
    const hashing = versionHash({ bytes: Buffer.alloc(20 * 1024 ** 2), type: "text/typescript" }, SETTINGS);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    await hashing;
    clearInterval(counting);
    assert.ok(turns >= 3, `${turns} turns of others`);
  });

  it("differs by bytes, by type, by settings, and by where one ends and the other begins", async () => {
    const hashes = await Promise.all([
      versionHash(source("x"), SETTINGS),
      versionHash(source("y"), SETTINGS),
      versionHash(source("x", "application/zip"), SETTINGS),
      versionHash(source("x"), { ...SETTINGS, min: 1 }),
      versionHash(source("x["), SETTINGS),
    ]);
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("takes sources for the same only by bytes and type", () => {
    assert.ok(isSameSource(source("x"), source("x")));
    assert.ok(!isSameSource(source("x"), source("y")));
    assert.ok(!isSameSource(source("x"), source("x", "application/zip")));
  });
});
