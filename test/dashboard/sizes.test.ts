import assert from "node:assert/strict";
import { bundle } from "../../dashboard/build/bundle.ts";
import { sizesOf } from "../../dashboard/build/sizes.ts";

describe("the files of the dashboard", () => {
  it("stay small: the shell within 60 KB, the editor within 200, the editor of flows within 110 and its worker within 120", async () => {
    const { shell, editor, flow, worker } = sizesOf(await bundle());
    assert.ok(shell <= 60_000, `the shell has ${shell} bytes`);
    assert.ok(editor <= 200_000, `the editor has ${editor} bytes`);
    assert.ok(flow <= 110_000, `the editor of flows has ${flow} bytes`);
    assert.ok(worker <= 120_000, `the worker of flows has ${worker} bytes`);
    // Something was measured.
    assert.ok(shell > 10_000 && editor > 50_000 && flow > 30_000 && worker > 50_000);
  });
});
