import assert from "node:assert/strict";
import { seal, unseal } from "../../../../platform/local/secrets/sealing.ts";

describe("a sealed value", () => {
  const key = new Uint8Array(32).fill(1);
  const place = { name: "a", version: 1 };
  const sealed = seal(key, "the value", place);

  it("opens with its key and in its place only", () => {
    assert.equal(unseal(key, sealed, place), "the value");
    assert.equal(unseal(key, seal(key, "", place), place), "");
    for (const other of [
      { name: "b", version: 1 },
      { name: "a", version: 2 },
    ]) {
      assert.throws(() => unseal(key, sealed, other));
    }
    assert.throws(() => unseal(new Uint8Array(32).fill(2), sealed, place));
  });

  it("does not open if a bit of it was changed, or a part is missing", () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      assert.throws(() => unseal(key, changed, place), String(at));
    }
    for (const length of [0, 11, 12, 27, sealed.length - 1]) {
      assert.throws(() => unseal(key, sealed.subarray(0, length), place), String(length));
    }
  });

  it("is another one each time, without the value in it", () => {
    assert.notDeepEqual(seal(key, "the value", place), sealed);
    assert.equal(sealed.includes("value"), false);
  });
});
