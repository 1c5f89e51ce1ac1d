import type { SmallFiles } from "../../../process/proc/small-files.ts";

/** What `/proc` counts in, on every Linux. */
const MS_PER_TICK = 10;

export interface ProcessorTime {
  /** That all threads of all processes have used, in steps of 10 ms. */
  readonly usedMs: number;
  /** One of them runs, wants to, or waits for a disk. */
  readonly runs: boolean;
}

/** The processor time of these processes; undefined when all have ended. */
export function processorTime(files: SmallFiles, pids: readonly number[]): ProcessorTime | undefined {
  let usedMs: number | undefined;
  let runs = false;
  for (const pid of pids) {
    const stat = files.text(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The name of the program, in parentheses, may have anything in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    usedMs = (usedMs ?? 0) + ticks * MS_PER_TICK;
    runs ||= fields[0] === "R" || fields[0] === "D";
  }
  return usedMs === undefined ? undefined : { usedMs, runs };
}
