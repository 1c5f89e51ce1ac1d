import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunBlock, runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/keys.md", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let folder: string;
  let blocks: RunBlock[];
  const outputOf = (part: string) => blocks.find(({ text }) => text.includes(part))!.output;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-docs-"));
    skiff = await startedSkiff();
    blocks = await runDocument("docs/keys.md", { url: skiff.url, folder });
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("creates a key that is shown", () => {
    const { key, scopes } = JSON.parse(outputOf("ci-deploy"));
    assert.match(key, /^sk_k\w{9}_/);
    assert.deepEqual(scopes, ["read", "deploy"]);
  });

  it("calls a function with a key", () => {
    assert.match(outputOf("access=key"), /for callers with a key$/);
  });

  it("says who the caller is", () => assert.equal(JSON.parse(outputOf("/whoami")).by, "local"));

  it("changes, rotates and revokes a key", () => {
    const lines = outputOf("overlap=1h").trim().split("\n");
    const [changed, rotated, revoked] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(changed.scopes, ["call", "read"]);
    assert.ok(rotated.key && rotated.previousUntil);
    assert.deepEqual(revoked, { success: true });
  });
});
