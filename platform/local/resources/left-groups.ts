import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { isRefusal } from "./controllers.ts";

/** Rounds of ending the processes of a group, and the pause after each: what is killed needs a moment to be gone. */
const ROUNDS = 50;
const PAUSE_MS = 20;

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

/** Removes one group; false while it has processes. */
export function removeGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    if (isRefusal(error)) return false;
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
