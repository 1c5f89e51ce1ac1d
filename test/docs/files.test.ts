import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunBlock, runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/files.md", () => {
  let skiff: StartedSkiff;
  const folder = mkdtempSync(join(tmpdir(), "skiff-files-"));
  before(async () => {
    skiff = await startedSkiff();
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has commands that work as it says", async () => {
    const blocks = await runDocument("docs/files.md", { url: skiff.url, folder });
    const outputOf = (part: string): string =>
      blocks.find(({ text }: RunBlock) => text.includes(part))!.output;
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
