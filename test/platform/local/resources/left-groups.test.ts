import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeStaleGroups } from "../../../../platform/local/resources/left-groups.ts";

const HOUR_MS = 3_600_000;

describe("control groups that nobody comes back for", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-groups-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are removed when they are old and have no process, and others are not", () => {
    const [stale, used, other] = ["skiff-0123456789ab-dead", "skiff-0123456789ab-used", "system.slice"];
    for (const name of [stale, used, other]) mkdirSync(join(folder, name));
    // A folder cannot be removed that has a file, as a group cannot that has a process.
    writeFileSync(join(folder, used, "process"), "1");
    removeStaleGroups(folder, Date.now());
    assert.equal(readdirSync(folder).length, 3);
    removeStaleGroups(folder, Date.now() + HOUR_MS + 1_000);
    assert.deepEqual(readdirSync(folder).sort(), [used, other]);
    removeStaleGroups(join(folder, "not-there"), Date.now());
  });
});
