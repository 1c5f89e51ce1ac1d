import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/schedules.md", () => {
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
    const blocks = await runDocument("docs/schedules.md", { url: skiff.url, folder });
    const outputOf = (part: string) => blocks.find(({ text }) => text.includes(part))!.output;
    assert.match(outputOf("name=report"), /"version":1/);
    const { next, spec } = JSON.parse(outputOf("8080/schedule/nightly\n"));
    assert.equal(next.length, 10);
    assert.equal(spec.timeZone, "Europe/Berlin");
    assert.match(outputOf("/run"), /"schedule"/);
    assert.match(outputOf("/firings"), /"firings":\[/);
  });
});
