import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bench/tools/call-path.ts", import.meta.url));

describe("the way of a call", () => {
  let printed: string;
  before(() => {
    // In a process of its own: what other tests leave running must not count.
    printed = execFileSync(process.execPath, [PROGRAM], { encoding: "utf8" });
  });

  for (const [method, most] of [
    ["GET", 14],
    ["POST", 16],
  ] as const) {
    it(`passes at most ${most} files for a warm ${method}`, () => {
      const count = Number(new RegExp(`A warm ${method} passes (\\d+) files`).exec(printed)?.[1]);
      assert.ok(count > 8 && count <= most, printed);
      assert.match(printed, /router\/router\.ts/);
    });
  }

  it("is on one screen", () => {
    const router = readFileSync(new URL("../../router/router.ts", import.meta.url), "utf8");
    const lines = router.split("\n").length - 1;
    assert.ok(lines <= 150, `router.ts has ${lines} lines`);
  });
});
