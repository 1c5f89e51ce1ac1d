import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, constants, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { Problem } from "../../../platform/problems.ts";
import { shortageOf } from "../../../platform/shortage.ts";
import { PRE_RECEIVE } from "./hook.ts";

const NAME = "pre-receive";
const TRY_MS = 10_000;

/**
 * Writes the hook of pushes, and tries it: git ignores a hook that cannot be run, and takes every push then.
 * @throws Problem `git_missing` where the folder allows no programs
 */
export async function installHook(hooks: string): Promise<void> {
  const file = join(hooks, NAME);
  await writeFile(file, PRE_RECEIVE);
  // The mode of `writeFile` is that of a new file alone, less the umask.
  await chmod(file, 0o755);
  const reason = await failureOf(file);
  if (reason !== undefined) throw cannotRun(hooks, reason);
}

/**
 * Checks before a push that git will run the hook, and installs it again if somebody changed its file.
 * @throws Problem `git_missing`
 */
export async function checkHook(hooks: string): Promise<void> {
  try {
    await access(join(hooks, NAME), constants.X_OK);
  } catch {
    await installHook(hooks);
  }
}

/** Runs the hook as git does, and accepts what it asks. Returns why it does not run. */
async function failureOf(file: string): Promise<string | undefined> {
  const child = spawn(file, [], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    timeout: TRY_MS,
    killSignal: "SIGKILL",
  });
  const closed = once(child, "close");
  // Node gives a process no streams where it found no open files for them: it reports the error then.
  const channel = child.stdio?.[3] as (Writable & NodeJS.ReadableStream) | undefined;
  channel?.on("error", () => {});
  channel?.resume();
  channel?.write("exit 0\n");
  try {
    const [code] = (await closed) as [number | null];
    return code === 0 ? undefined : `it ended with ${code ?? "a signal"}`;
  } catch (error) {
    // The folder is not at fault, and the next request tries again.
    if (shortageOf(error) !== undefined) throw error;
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function cannotRun(hooks: string, reason: string): Problem {
  const detail = `Git cannot run the program ${join(hooks, NAME)} (${reason}), which decides about pushes: the data folder must allow programs (no mount option noexec), and be writable for Skiff. Everything else works without it.`;
  return new Problem("git_missing", detail);
}
