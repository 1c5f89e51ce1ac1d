import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { notTried } from "../support/not-tried.ts";

const SCRIPT = fileURLToPath(new URL("../../manager/first-process.sh", import.meta.url));
const CONTAINER = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"];
const START = ["/bin/sh", SCRIPT, process.execPath, "--input-type=module", "--eval"];

/** Kills a process whose own child lives on for a moment, and waits until the system has forgotten that one. */
const LEAVES_ORPHAN = `
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  import { existsSync } from "node:fs";
  const parent = spawn("/bin/sh", ["-c", "sleep 60 & echo $!; wait"], { detached: true });
  const [text] = await once(parent.stdout, "data");
  process.kill(-parent.pid, "SIGKILL");
  await once(parent, "exit");
  const orphan = "/proc/" + String(text).trim();
  for (const end = Date.now() + 10_000; existsSync(orphan) && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(existsSync(orphan) ? "a zombie is left" : "nothing is left");`;

const WAITS = `
  process.on("SIGTERM", () => process.exit(7));
  setInterval(() => {}, 1_000);
  console.log("waits");`;

function hasNamespaces(): boolean {
  try {
    execFileSync("unshare", [...CONTAINER, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("the first process of a container", () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill("SIGKILL");
    child = undefined;
  });

  async function start(command: string, args: readonly string[]): Promise<string> {
    child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(child.stdout!), "line", {
      signal: AbortSignal.timeout(30_000),
    });
    return line;
  }

  it("is that of the image", () => {
    const dockerfile = readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8");
    assert.match(dockerfile, /^ENTRYPOINT \["\/bin\/sh", "\/skiff\/manager\/first-process\.sh", "node"\]$/m);
  });

  it("leaves no zombie of what a killed process had started", async function () {
    if (!hasNamespaces()) notTried(this, "unshare is refused or not installed");
    assert.equal(await start("unshare", [...CONTAINER, ...START, LEAVES_ORPHAN]), "nothing is left");
  });

  it("hands SIGTERM on, and ends as the program does", async () => {
    const [shell = "", ...args] = [...START, WAITS];
    assert.equal(await start(shell, args), "waits");
    const ended = once(child!, "exit", { signal: AbortSignal.timeout(30_000) });
    child!.kill("SIGTERM");
    assert.deepEqual(await ended, [7, null]);
  });
});
