import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notTried } from "../support/not-tried.ts";
import { partOfDay } from "../support/selection/part-of-day.ts";
import { needsWall, whyNoWall } from "../support/skiff/walls.ts";

/** Nobody's. Without root a wall is made in a user namespace. */
const USER = 61_000;
const SETPRIV = "/usr/bin/setpriv";
const WITHIN_MS = 180_000;
/** What differs by the user: the walls. Deno's flags are the same for all. */
const FILES = ["links", "wasi", "databases", "programs/programs"].map(
  (name) => `test/sandbox/${name}.test.ts`,
);
const TAKEN = partOfDay(FILES, 2);

describe("the attempts of functions, where Skiff does not run as root", () => {
  let folder: string | undefined;
  after(() => folder && rmSync(folder, { recursive: true }));

  it("end as they do where it does", async function () {
    if (process.getuid?.() !== 0) notTried(this, "only root can take another user");
    if (!existsSync(SETPRIV)) notTried(this, `${SETPRIV} is not installed`);
    needsWall(this, "unshare");
    this.timeout(WITHIN_MS);
    folder = mkdtempSync(join(tmpdir(), "skiff-user-"));
    chownSync(folder, USER, USER);
    const mocha = fileURLToPath(import.meta.resolve("mocha/bin/mocha.js"));
    const identity = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
    const args = [...identity, process.execPath, mocha, "--reporter", "dot", "--grep", "behind", ...TAKEN];
    const child = spawn(SETPRIV, args, {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { ...process.env, HOME: folder, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    const late = setTimeout(() => child.kill("SIGKILL"), WITHIN_MS - 10_000);
    const [code] = await once(child, "close");
    clearTimeout(late);
    assert.equal(code, 0, said.slice(-4_000));
    const passing = Number(/(\d+) passing/.exec(said)?.[1]);
    const ofAll = whyNoWall("bwrap") === undefined ? 1_000 : 300;
    const least = TAKEN.length === FILES.length ? ofAll : 50;
    assert.ok(passing > least, said.slice(-4_000));
  });
});
