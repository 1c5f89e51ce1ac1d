import assert from "node:assert/strict";
import { bundle } from "../../dashboard/build/bundle.ts";
import { sizesOf } from "../../dashboard/build/sizes.ts";

describe("the files of the dashboard", () => {
  it("stay small: the shell within 60 KB, the editor within 200, the canvas of flows within 110", async () => {
    const { shell, editor, flow } = sizesOf(await bundle());
    assert.ok(shell <= 60_000, `the shell has ${shell} bytes`);
    assert.ok(editor <= 200_000, `the editor has ${editor} bytes`);
    assert.ok(flow <= 110_000, `the canvas has ${flow} bytes`);
    // Something was measured.
    assert.ok(shell > 10_000 && editor > 50_000 && flow > 30_000);
  });
});
