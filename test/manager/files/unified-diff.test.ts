import assert from "node:assert/strict";
import { hasSameFiles, unifiedDiff } from "../../../manager/files/unified-diff.ts";
import { LoopProbe } from "../../support/processor/loop-probe.ts";

const files = (contents: Record<string, string | Uint8Array>) =>
  new Map(Object.entries(contents).map(([path, content]) => [path, Buffer.from(content as string)]));

describe("a diff of two folders", () => {
  it("shows changed, new and removed files in the order of their paths", async () => {
    const before = files({ "b.ts": "1\n2\n3\n", "c.ts": "gone", "same.ts": "same" });
    const after = files({ "b.ts": "1\n2\n4\n", "a.ts": "new\n", "same.ts": "same" });
    const diff = `--- /dev/null
+++ b/a.ts
@@ -0,0 +1,1 @@
+new
--- a/b.ts
+++ b/b.ts
@@ -1,3 +1,3 @@
 1
 2
-3
+4
--- a/c.ts
+++ /dev/null
@@ -1,1 +0,0 @@
-gone
\\ No newline at end of file
`;
    assert.equal(await unifiedDiff(before, after), diff);
  });

  it("is empty for equal files", async () => {
    const same = files({ a: "1", b: Buffer.from([0, 255]) });
    assert.equal(await unifiedDiff(same, files({ a: "1", b: Buffer.from([0, 255]) })), "");
    assert.equal(hasSameFiles(same, files({ b: Buffer.from([0, 255]), a: "1" })), true);
    for (const other of [{ a: "1" }, { a: "1", b: "x" }, { a: "1", c: Buffer.from([0, 255]) }])
      assert.equal(hasSameFiles(same, files(other)), false);
  });

  it("only names files that are no text, or too large", async () => {
    const before = files({ "a.png": Buffer.from([0, 1]), "latin.txt": Buffer.from([0xe9]), large: "" });
    const after = files({ "a.png": Buffer.from([0, 2]), large: "x".repeat(600_000) });
    const named = ["a/a.png and b/a.png", "a/large and b/large", "a/latin.txt and /dev/null"];
    assert.equal(await unifiedDiff(before, after), named.map((each) => `Files ${each} differ\n`).join(""));
  });

  it("only names files that differ in too many lines, while other work goes on", async () => {
    const lines = (prefix: string) => Array.from({ length: 20_000 }, (_, i) => `${prefix}${i}\n`).join("");
    const probe = new LoopProbe();
    try {
      const diff = await unifiedDiff(files({ a: lines("x") }), files({ a: lines("y") }));
      assert.equal(diff, "Files a/a and b/a differ\n");
      const longestMs = probe.read();
      assert.ok(longestMs < 1_000, `the event loop stood for ${longestMs} ms`);
    } finally {
      probe.close();
    }
  });
});
