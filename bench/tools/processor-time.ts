import { readdirSync, readFileSync } from "node:fs";

/** Returns the processor time of all threads of a process so far, in microseconds. Linux only. */
export function processorUs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const ns = Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    return sum + ns / 1_000;
  }, 0);
}
