import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import type { Source } from "../../platform/platform.ts";
import { defaultSettings } from "../../platform/settings/settings.ts";
import { sourceHash, versionHash } from "../../platform/version-hash.ts";
import { LIMITS } from "../manager/started-manager.ts";

const SETTINGS = defaultSettings(LIMITS);
const source = (text: string, type: Source["type"] = "text/typescript"): Source => ({
  bytes: Buffer.from(text),
  type,
});

describe("the hashes of a version", () => {
  it("are the same for the same source and settings, in whatever order they were given", async () => {
    const hash = await sourceHash(source("x"));
    const settings = { ...SETTINGS, env: { A: "1", B: "2" } };
    const other = { ...SETTINGS, env: { B: "2", A: "1" } };
    assert.equal(await sourceHash(source("x")), hash);
    assert.equal(versionHash(hash, settings), versionHash(hash, other));
    assert.match(versionHash(hash, settings), /^[0-9a-f]{64}$/);
  });

  it("are those of the whole source, however many pieces it is read in", async () => {
    const bytes = Buffer.alloc(5 * 1024 ** 2 + 3, "abcdefg");
    const expected = createHash("sha256").update("text/typescript\n").update(bytes).digest("hex");
    assert.equal(await sourceHash({ bytes, type: "text/typescript" }), expected);
  });

  it("let other work in between", async () => {
    const hashing = sourceHash({ bytes: Buffer.alloc(20 * 1024 ** 2), type: "text/typescript" });
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    await hashing;
    clearInterval(counting);
    assert.ok(turns >= 3, `${turns} turns of others`);
  });

  it("differ by bytes, by type and by settings", async () => {
    const hashes = await Promise.all([
      sourceHash(source("x")),
      sourceHash(source("y")),
      sourceHash(source("x", "application/zip")),
      sourceHash(source("x[")),
    ]);
    const [first = ""] = hashes;
    const all = [
      ...hashes.map((hash) => versionHash(hash, SETTINGS)),
      versionHash(first, { ...SETTINGS, min: 1 }),
    ];
    assert.equal(new Set([...hashes, ...all]).size, hashes.length + all.length);
  });
});
