import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Returns the command line of a process; undefined if there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === "linux") return readProc(pid, "cmdline");
  const { status, stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

/**
 * Returns when a process started, in a stable form; undefined if there is no such process. With the pid it identifies a
 * process of this machine. A process cannot change it.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    // Field 22 (proc_pid_stat(5)); the name in parentheses before it may hold anything.
    const stat = readProc(pid, "stat");
    const ticks = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? undefined : `${bootId()} ${ticks}`;
  }
  const { status, stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Ticks count from the start of the machine. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Sends a signal to a process. Does nothing if the process has ended. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The process has ended, or Skiff has no open file left and tries again later.
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE"].includes(code ?? "")) return undefined;
    throw error;
  }
}
