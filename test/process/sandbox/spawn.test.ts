import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needsLinux } from "../../support/not-tried.ts";

/** A program that starts a child with everything it inherited itself, or without, and prints what that finds at a number. */
const PROGRAM = `
  const { highestInherited, spawnDetached } = await import(process.argv[1]);
  const highest = highestInherited();
  const child = spawnDetached(["/bin/sh", "-c", "readlink /proc/self/fd/40"], {
    cwd: "/",
    env: {},
    inherited: process.argv[2] === "hidden" ? highest : undefined,
  });
  child.stdout.pipe(process.stdout);
  child.once("close", () => console.log(highest));
`;

describe("descriptors that whoever started Skiff left open", () => {
  const module = new URL("../../../process/sandbox/spawn.ts", import.meta.url).href;
  let folder: string;
  let secret: string;
  let left: number;
  before(function () {
    needsLinux(this, "descriptors in /proc");
    folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
    secret = join(folder, "secret");
    writeFileSync(secret, "");
    left = openSync(secret, "r");
  });
  after(() => {
    if (left === undefined) return;
    closeSync(left);
    rmSync(folder, { recursive: true });
  });

  /** 40 is beyond a gap: Node closes those before one for its children by itself. */
  const run = (how: string) => {
    const stdio = [..."ipp"].map((each) => (each === "i" ? ("ignore" as const) : ("pipe" as const)));
    const given = [...stdio, ...Array<"ignore">(37).fill("ignore"), left];
    const args = ["--input-type=module", "-e", PROGRAM, module, how];
    const { stdout, stderr } = spawnSync(process.execPath, args, { stdio: given, encoding: "utf8" });
    assert.equal(stderr, "");
    return stdout.split("\n");
  };

  it("are found, and would be inherited", () => {
    const [found, highest] = run("shown");
    assert.equal(found, secret);
    assert.ok(Number(highest) >= 40);
  });

  it("are not inherited by a sandbox", () => {
    assert.equal(run("hidden")[0], "/dev/null");
  });
});
