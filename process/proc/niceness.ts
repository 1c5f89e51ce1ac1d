import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { threadsOf } from "./process-tree.ts";

/** Codes of errors for a process that has ended, or a priority that this process must not raise again. */
const PASSING = new Set<unknown>(["ENOENT", "ESRCH", "EACCES", "EPERM", "EAGAIN", "EINVAL"]);

/**
 * Sets the niceness (nice(1)) of processes. Linux keeps one for each thread, and one for each session where it groups
 * threads by session (autogroup): then sessions are compared first.
 * @throws an error of the system, such as EMFILE
 */
export function setNice(pids: readonly number[], nice: number): void {
  for (const pid of pids) {
    attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(nice)));
    for (const thread of threadsOf(pid)) attempt(() => setPriority(thread, nice));
  }
}

function attempt(change: () => void): void {
  try {
    change();
  } catch (error) {
    const { code, info } = error as NodeJS.ErrnoException & { info?: { code?: string } };
    if (!PASSING.has(info?.code ?? code)) throw error;
  }
}
