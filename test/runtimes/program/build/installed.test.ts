import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInstalledHere } from "../../../../runtimes/program/build/installed.ts";

describe("what is installed for programs", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-installed-"));
    writeFileSync(join(folder, "outside"), "#!/bin/sh\n");
    chmodSync(join(folder, "outside"), 0o755);
    symlinkSync(join(folder, "outside"), join(folder, "linked-out"));
    symlinkSync("/bin/sh", join(folder, "linked-in"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const has = (name: string) => isInstalledHere({ kind: "program", name, by: "main" }, [folder]);

  it("is what links to a folder that programs see", () => {
    assert.ok(has("linked-in"));
    assert.ok(isInstalledHere({ kind: "file", name: "/bin/sh", by: "main" }));
  });

  it("is not what leads out of these folders, or is not there", () => {
    assert.ok(!has("linked-out"));
    assert.ok(!has("absent"));
    assert.ok(!isInstalledHere({ kind: "file", name: join(folder, "outside"), by: "main" }));
  });
});
