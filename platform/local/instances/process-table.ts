import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Returns the command line of a process; undefined if there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === "linux") return readProc(pid, "cmdline");
  return readPs(pid, "command");
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
    // Ticks count from the start of the machine.
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return ticks === undefined ? undefined : `${boot} ${ticks}`;
  }
  return readPs(pid, "lstart")?.trim();
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

function readPs(pid: number, field: string): string | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", `${field}=`, "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}
