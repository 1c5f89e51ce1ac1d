import { readdirSync } from "node:fs";
import type { SmallFiles } from "./small-files.ts";

/** An instance has a handful of processes: its sandbox and Deno. */
const MOST = 64;

export interface TreeOptions {
  /** Most processes to find; 64 by default. */
  readonly most?: number;
  /** Also finds children of threads other than the first, which reads a file for every thread. */
  readonly ofAllThreads?: boolean;
}

/** Lists a process and its descendants, the process first. Empty if it has ended. Linux only. */
export function processTree(files: SmallFiles, root: number, options: TreeOptions = {}): number[] {
  const { most = MOST, ofAllThreads = false } = options;
  const found = [root];
  for (let i = 0; i < found.length && found.length < most; i++) {
    const pid = found[i]!;
    // Linux lists children by the thread that started them: a sandbox has one thread, and a function starts no process.
    const threads = ofAllThreads ? threadsOf(pid) : [pid];
    const lists = threads.map((thread) => files.text(`/proc/${pid}/task/${thread}/children`));
    if (i === 0 && lists.every((list) => list === undefined)) return [];
    for (const child of lists.join(" ").split(" ")) if (child !== "") found.push(Number(child));
  }
  return found;
}

/** Lists the threads of a process. Empty if it has ended, or if this process is out of file descriptors. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE"].includes(code ?? "")) return [];
    throw error;
  }
}
