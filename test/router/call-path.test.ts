import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { filesOfCall } from "../support/call-path.ts";

describe("the way of a call", () => {
  for (const [method, most] of [
    ["GET", 14],
    ["POST", 16],
  ] as const) {
    it(`passes at most ${most} files for a warm ${method}`, async () => {
      const files = await filesOfCall(method);
      assert.ok(files.includes("router/router.ts") && files.includes("router/upstream/connection.ts"));
      assert.ok(files.length <= most, `${files.length} files:\n${files.join("\n")}`);
    });
  }

  it("is on one screen", () => {
    const lines =
      readFileSync(new URL("../../router/router.ts", import.meta.url), "utf8").split("\n").length - 1;
    assert.ok(lines <= 150, `router.ts has ${lines} lines`);
  });
});
