import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { threadsOf } from "./thread-demand.ts";

/** Weighs a twentieth of what is usual. */
const NICE = 13;
const USUAL = 0;

/** Errors that mean that a process has ended, or that the system lets this one not raise a priority again. */
const PASSING = new Set<unknown>(["ENOENT", "ESRCH", "EACCES", "EPERM", "EAGAIN", "EINVAL"]);

/**
 * Gives processes a small share of the processor, or the usual one again, which only root may. Without control groups this
 * is what there is. Linux groups processes by session, and then compares sessions: so those have a niceness as well.
 * @throws an error of the system, such as that there is no file left to write with
 */
export function setNice(pids: readonly number[], isNice: boolean): void {
  const nice = isNice ? NICE : USUAL;
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
