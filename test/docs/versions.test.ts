import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/versions.md", () => {
  let skiff: StartedSkiff;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skiff-docs-"));
    skiff = await startedSkiff();
  });
  after(async () => {
    await skiff.close();
    await rm(folder, { recursive: true });
  });

  it("has commands that work", async () => {
    const blocks = await runDocument("docs/versions.md", { url: skiff.url, folder });
    const outputs = blocks.map(({ output }) => output);
    assert.match(outputs[1]!, /"message":"Say two".*"message":"The first one"/s);
    assert.match(outputs[2]!, /^-export default \(\) => "one";\n\+export default \(\) => "two";$/m);
    assert.equal(outputs[3], "one");
  });
});
