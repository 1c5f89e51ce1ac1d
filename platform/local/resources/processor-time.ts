import { threadsOf } from "../../../process/proc/process-tree.ts";
import type { SmallFiles } from "../../../process/proc/small-files.ts";

/** The unit of `/proc/PID/stat` on every Linux. */
const MS_PER_TICK = 10;
const NS_PER_MS = 1e6;

export interface ProcessorTime {
  /** Processor time of all threads of all processes, in steps of 10 ms. */
  readonly usedMs: number;
  /** Whether a process runs, is ready to run, or waits for a disk. */
  readonly runs: boolean;
}

/** Returns the processor time of these processes; undefined when all have ended. */
export function processorTime(files: SmallFiles, pids: readonly number[]): ProcessorTime | undefined {
  let usedMs: number | undefined;
  let runs = false;
  for (const pid of pids) {
    const stat = files.text(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The program's name, in parentheses, may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    usedMs = (usedMs ?? 0) + ticks * MS_PER_TICK;
    runs ||= fields[0] === "R" || fields[0] === "D";
  }
  return usedMs === undefined ? undefined : { usedMs, runs };
}

/** Returns the time in ms that each thread of these processes ran or waited for a processor, by thread id. */
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
