import { strict as assert } from "node:assert";
import { closestWord } from "../../process/closest-word.ts";

const WORDS = ["min", "max", "concurrency", "timeout", "timeoutMs", "memory", "env", "net", "permissions"];

describe("the word that is meant", () => {
  const meant: readonly [string, string][] = [
    ["timout", "timeout"],
    ["tiemout", "timeout"],
    ["MEMORY", "memory"],
    ["timeout-ms", "timeoutMs"],
    ["concurency", "concurrency"],
    ["permission", "permissions"],
    ["mn", "min"],
    ["envs", "env"],
  ];
  for (const [given, word] of meant) {
    it(`is ${word} for ${given}`, () => assert.equal(closestWord(given, WORDS), word));
  }

  for (const given of ["cpu", "", "name", "x".repeat(100_000), "replicas"]) {
    it(`is none for ${given.slice(0, 20) || "nothing"}`, () =>
      assert.equal(closestWord(given, WORDS), undefined));
  }
});
