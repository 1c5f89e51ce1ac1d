import { writeFileSync } from "node:fs";

const FILE = "/proc/self/oom_score_adj";
const FIRST = "1000";
const USUAL = "0";

/**
 * Starts a process that the kernel kills before the host when memory runs out, so that the host can answer the call. A
 * process inherits the score, and may lower it to what it was.
 */
export function spawnFirstToKill<T>(spawn: () => T): T {
  if (!setScore(FIRST)) return spawn();
  try {
    return spawn();
  } finally {
    setScore(USUAL);
  }
}

/** False where the system does not allow it. */
function setScore(score: string): boolean {
  try {
    writeFileSync(FILE, score);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "EACCES", "EPERM", "EROFS", "EINVAL"].includes(code)) return false;
    throw error;
  }
}
