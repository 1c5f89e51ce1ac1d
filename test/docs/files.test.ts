import assert from "node:assert/strict";
import { documentRunner } from "../support/skiff/document-runner.ts";

describe("docs/files.md", () => {
  const run = documentRunner("docs/files.md");

  it("has commands that work as it says", async () => {
    const { outputOf } = await run();
    assert.match(
      outputOf("apply?dryRun"),
      /^\+ create hello\n[\s\S]*\+ create cart\n[\s\S]*Plan: 2 create\.\n$/,
    );
    assert.match(outputOf("/fn/cart"), /"state":"done"[\s\S]*Hello, shop\{"items":\[\]\}/);
    assert.match(
      outputOf("topic: orders"),
      /\+ create subscription\/mail\n[\s\S]*Applied: 4 create\.\nmail for order 7$/,
    );
    assert.match(
      outputOf("Good morning"),
      /= unchanged cart\nApplied: 1 update, 1 unchanged\.\nGood morning, shop$/,
    );
  });
});
