import { existsSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isRefusal } from "./controllers.ts";

/** Rounds of ending the processes of a group, and the pause after each: what is killed needs a moment to be gone. */
const ROUNDS = 50;
const PAUSE_MS = 20;

/** As `ControlGroups` names them: what tells the data folder, then the instance. */
const OF_A_SKIFF = /^skiff-[0-9a-f]{12}-/;
const STALE_MS = 3_600_000;

/** Ends the processes of all groups in `folder` whose name starts with `prefix`, and removes the groups. */
export function removeLeftGroups(folder: string, prefix: string): void {
  if (!existsSync(folder)) return;
  const left = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix))
    .map(({ name }) => join(folder, name));
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (const group of left) {
    for (let round = 0; round < ROUNDS && !removeGroup(group); round++) {
      for (const pid of processesOf(group)) kill(pid);
      Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
  }
}

/**
 * Removes groups of any Skiff that have had no process for long: their data folder is gone, and nobody else would.
 * A group of a Skiff that runs gets its process at once.
 */
export function removeStaleGroups(folder: string, nowMs: number): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!OF_A_SKIFF.test(name)) continue;
    const group = join(folder, name);
    const madeMs = statSync(group, { throwIfNoEntry: false })?.mtimeMs ?? nowMs;
    if (nowMs - madeMs >= STALE_MS) removeGroup(group);
  }
}

/** Removes one group; false while it has processes. */
export function removeGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "ENOTEMPTY" || isRefusal(error)) return false;
    throw error;
  }
}

function processesOf(group: string): number[] {
  const file = join(group, "cgroup.procs");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number) : [];
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself in between.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
