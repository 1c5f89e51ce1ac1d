import { threadsOf } from "../../../process/proc/process-tree.ts";
import type { SmallFiles } from "../../../process/proc/small-files.ts";

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
