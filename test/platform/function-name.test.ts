import assert from "node:assert/strict";
import { checkFunctionName, isFunctionName } from "../../platform/function-name.ts";

describe("a function's name", () => {
  for (const name of ["a", "a1", "a-b", "a--b", "useragent", "a".repeat(52), `a${"-".repeat(50)}b`]) {
    it(`may be ${name}`, () => assert.equal(checkFunctionName(name), name));
  }

  for (const name of [
    "",
    "A",
    "1a",
    "-a",
    "a-",
    "a_b",
    "a.b",
    "a/b",
    "ä",
    "a ",
    "a\n",
    "../a",
    "a".repeat(53),
  ]) {
    it(`may not be ${JSON.stringify(name)}`, () => {
      assert.equal(isFunctionName(name), false);
      assert.throws(() => checkFunctionName(name), { code: "invalid_name", detail: /1 to 52 characters/ });
    });
  }

  it("may not be missing, and a long one is not repeated in full", () => {
    assert.throws(() => checkFunctionName(undefined), { detail: /^The function name is missing/ });
    assert.throws(
      () => checkFunctionName("A".repeat(10_000)),
      ({ detail }: { detail: string }) => detail.length < 250,
    );
  });
});
