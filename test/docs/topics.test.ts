import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/topics.md", () => {
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
    const blocks = await runDocument("docs/topics.md", { url: skiff.url, folder });
    const outputOf = (part: string) => blocks.find(({ text }) => text.includes(part))!.output;
    assert.match(outputOf("mail.ts"), /\{"events":\[\{"id":"[-0-9a-f]{36}","position":1\}\]\}/);
    assert.match(outputOf('"id": "o-18"'), /\{"id":"o-18","position":2\}/);
    assert.match(outputOf("/topic/ping/call"), /pong from curl$/);
    assert.match(outputOf("/gateway/test/hello"), /pong from the gateway$/);
  });
});
