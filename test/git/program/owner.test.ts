import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const OWNER = join(import.meta.dirname, "owner.ts");

/** Runs `owner.ts` with few open files. Returns the lines that it prints before it exits with 0. */
async function linesOf(part: string): Promise<string[]> {
  const args = ["-c", 'ulimit -n 100; exec "$0" "$@"', process.execPath, OWNER, part];
  const { stdout } = await promisify(execFile)("sh", args, { timeout: 30_000 });
  return stdout.trim().split("\n");
}

describe("a process that runs git", () => {
  it("stays alive until the waiting shells have ended", async () => {
    assert.deepEqual(await linesOf("ending"), ["git", "closed"]);
  });

  it("survives a lack of open files, which it reports", async () => {
    const [problem, ...then] = await linesOf("full");
    assert.match(problem!, /^no_capacity .*no open file left: raise its limit \(ulimit -n\)/);
    assert.deepEqual(then, ["git", "closed"]);
  });
});
