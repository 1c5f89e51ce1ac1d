import { readdirSync } from "node:fs";
import type { SmallFiles } from "./small-files.ts";

const NS_PER_MS = 1e6;

/** Time in which each thread of these processes ran or waited for a processor, in ms by its number. */
export function threadDemand(files: SmallFiles, pids: readonly number[]): ReadonlyMap<number, number> {
  const demand = new Map<number, number>();
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      const text = files.text(`/proc/${pid}/task/${thread}/schedstat`);
      const [ran, waited] = (text ?? "").split(" ").map(Number);
      if (ran !== undefined && waited !== undefined) demand.set(thread, (ran + waited) / NS_PER_MS);
    }
  }
  return demand;
}

export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE"].includes(code ?? "")) return [];
    throw error;
  }
}
