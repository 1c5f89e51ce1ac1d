import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareInjection } from "../../../../platform/local/engine/inject.ts";

describe("what containers get of this machine", () => {
  it("can be read by any user, whatever the umask of Skiff is", () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-inject-"));
    const before = process.umask(0o077);
    try {
      const host = join(folder, "host.mjs");
      writeFileSync(host, "");
      const injection = prepareInjection({ root: join(folder, "injected"), host });
      const mode = (path: string) => (statSync(join(injection.folder, path)).mode & 0o777).toString(8);
      assert.deepEqual([mode("."), mode("lib"), mode("node")], ["755", "755", "555"]);
    } finally {
      process.umask(before);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
