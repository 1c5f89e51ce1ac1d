import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/logs.md", () => {
  let skiff: StartedSkiff;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-docs-"));
    skiff = await startedSkiff();
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has commands that work", async () => {
    const blocks = await runDocument("docs/logs.md", { url: skiff.url, folder });
    const outputOf = (part: string) => blocks.find(({ text }) => text.includes(part))!.output;
    assert.match(outputOf("/func/hello/logs\n"), /^\S+Z v1 \S+ stdout info [0-9a-f-]{36} called GET\n/m);
    assert.match(outputOf("level=error"), / stderr error [0-9a-f-]{36} call .* failed: Error: it is bad\n/);
    assert.match(outputOf("search="), /it is bad/);
    const lines = outputOf("x-ndjson").split("\n").slice(0, -1);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.equal(JSON.parse(line).function, "hello");
  });
});
