import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { signalProcess } from "../instances/process-table.ts";

/** Variable in the environment of all processes of an instance without a sandbox. */
export const MARK = "SKIFF_INSTANCE";
/** A process may start another one while they are listed. */
const EMPTY_LOOKS = 2;
const MOST_LOOKS = 20;
const BETWEEN_MS = 10;

/** Ends every process that has the mark of an instance: its host was killed, and could not do it. Linux only. */
export async function endMarked(id: string): Promise<void> {
  if (process.platform !== "linux") return;
  let empty = 0;
  for (let look = 0; look < MOST_LOOKS && empty < EMPTY_LOOKS; look++) {
    if (look > 0) await setTimeout(BETWEEN_MS);
    const marked = markedWith(id);
    for (const pid of marked) signalProcess(pid, "SIGKILL");
    empty = marked.length === 0 ? empty + 1 : 0;
  }
}

function markedWith(id: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => environmentOf(pid).includes(`${MARK}=${id}`));
}

/** Empty if the process has ended, or is of another user. */
function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES", "EPERM", "EMFILE", "ENFILE"].includes(code)) return [];
    throw error;
  }
}
