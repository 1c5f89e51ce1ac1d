import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { denoPath } from "../../../runtimes/deno/deno-binary.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { optionalDependencies?: Record<string, string> }>>;
}

describe("the Deno that npm installs", () => {
  const lock = JSON.parse(
    readFileSync(new URL("../../../package-lock.json", import.meta.url), "utf8"),
  ) as Lock;

  it("is there", () => {
    assert.ok(existsSync(denoPath()));
  });

  for (const name of ["deno", "esbuild", "@biomejs/biome"]) {
    it(`is locked for every platform, as ${name} is`, () => {
      const carriers = Object.keys(lock.packages[`node_modules/${name}`]?.optionalDependencies ?? {});
      assert.ok(carriers.length >= 6);
      assert.deepEqual(
        carriers.filter((carrier) => !lock.packages[`node_modules/${carrier}`]),
        [],
      );
    });
  }
});
