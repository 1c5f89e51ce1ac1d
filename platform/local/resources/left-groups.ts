import { existsSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isRefusal, readWords } from "./controllers.ts";

/** Attempts to remove a group, and the pause after each: a killed process takes a moment to end. */
const ROUNDS = 50;
const PAUSE_MS = 20;

/** The names that `Resources` gives: an id of the data folder, then the instance. */
const GROUP_NAME = /^skiff-[0-9a-f]{12}-/;
const STALE_MS = 3_600_000;

/** Kills the processes of all groups in `folder` whose name starts with `prefix`, and removes the groups. */
export function removeLeftGroups(folder: string, prefix: string): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (const group of groupsIn(folder, (name) => name.startsWith(prefix))) {
    for (let round = 0; round < ROUNDS && !removeGroup(group); round++) {
      killGroup(group);
      Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
  }
}

/**
 * Removes groups of any Skiff that have had no process for an hour, which remain after their data folder was deleted. A
 * running Skiff adds a process to a group at once.
 */
export function removeStaleGroups(folder: string, nowMs: number): void {
  for (const group of groupsIn(folder, (name) => GROUP_NAME.test(name))) {
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

/** Kills the processes of a group. */
export function killGroup(group: string): void {
  for (const pid of readWords(join(group, "cgroup.procs"))) kill(Number(pid));
}

function groupsIn(folder: string, isOurs: (name: string) => boolean): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && isOurs(entry.name))
    .map(({ name }) => join(folder, name));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended in between.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
