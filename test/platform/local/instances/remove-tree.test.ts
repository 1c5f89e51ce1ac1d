import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree, removeTreeSync } from "../../../../platform/local/instances/remove-tree.ts";

describe("removing a folder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-remove-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const [how, remove] of Object.entries({ removeTree, removeTreeSync })) {
    it(`by ${how} takes all that is in it, and nothing that a link leads to`, async () => {
      const tree = join(folder, "tree");
      // Each half is within the longest path; one moved into the other is beyond it.
      const half = Array.from({ length: 700 }, () => "deep");
      for (const top of ["a", "b"]) mkdirSync(join(tree, top, ...half), { recursive: true });
      renameSync(join(tree, "b"), join(tree, "a", ...half, "b"));
      mkdirSync(join(tree, "closed"));
      writeFileSync(join(tree, "closed", "file"), "");
      chmodSync(join(tree, "closed"), 0o000);
      mkdirSync(join(folder, "kept"));
      writeFileSync(join(folder, "kept", "file"), "");
      symlinkSync(join(folder, "kept"), join(tree, "link"));
      await remove(tree);
      assert.ok(!existsSync(tree));
      assert.ok(existsSync(join(folder, "kept", "file")));
      await remove(tree);
    });
  }

  it("with many files lets others have their turn meanwhile", async () => {
    const tree = join(folder, "tree");
    mkdirSync(tree);
    for (let number = 0; number < 3_000; number++) writeFileSync(join(tree, String(number)), "");
    let turns = 0;
    let removing = true;
    const others = (async () => {
      for (; removing; turns++) await new Promise(setImmediate);
    })();
    await removeTree(tree);
    removing = false;
    await others;
    assert.ok(turns > 100, `${turns} turns`);
    assert.ok(!existsSync(tree));
  });
});
