import { readdirSync, readFileSync } from "node:fs";

/** One process of /proc. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** In clock ticks since the start of the machine. */
  readonly startTicks: number;
  readonly hasEnded: boolean;
}

/** Returns every process that /proc shows. @param after leaves out those with this number and smaller ones */
export function listProcesses(after = 0): ProcessEntry[] {
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > after);
  return pids.map((pid) => readProcess(pid)).filter((entry) => entry !== undefined);
}

/**
 * Returns the number before that of every process that has been started since `pid` was. Zero if the numbers have
 * started again.
 */
export function numberBefore(pid: number): number {
  const last = Number(readEntry("/proc/loadavg")?.trim().split(" ").at(-1) ?? 0);
  return last < pid ? 0 : pid - 1;
}

/** Returns undefined for a process that does not exist. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const stat = readEntry(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseStat(pid, stat);
}

/** Parses /proc/PID/stat. The name of the program, in brackets, may hold anything. */
export function parseStat(pid: number, stat: string): ProcessEntry {
  // From the third field on: state, parent, group, session … start time, which is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const hasEnded = fields[0] === "Z" || fields[0] === "X";
  return {
    pid,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
    hasEnded,
  };
}

/** Returns whether a process was started with this variable. */
export function wasStartedWith(pid: number, variable: string): boolean {
  const environment = readEntry(`/proc/${pid}/environ`) ?? "";
  return environment.split("\0").includes(variable);
}

/** Returns undefined if the process has ended, or is of another user. */
function readEntry(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}
