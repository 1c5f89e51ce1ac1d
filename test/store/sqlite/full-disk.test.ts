import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("on-full-disk.ts", import.meta.url));

describe("the store in SQLite on a disk that takes nothing", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-history-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is away, and keeps everything once there is room again", async function () {
    this.timeout(60_000);
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder], { timeout: 15_000 });
    assert.deepEqual(JSON.parse(stdout), {
      full: { enqueue: "store_unavailable", settle: "store_unavailable", body: "store_unavailable" },
      after: { enqueue: "stored", settle: "stored", body: "stored" },
      state: "done",
    });
    assert.equal(readdirSync(join(folder, "bodies")).length, 1, "of a body that failed nothing is left");
  });
});
