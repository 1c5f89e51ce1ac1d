import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Returns the command line of a process; undefined if there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === "linux") return readProc(pid, "cmdline");
  const { status, stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

/**
 * Returns when a process started, in a form that stays the same; undefined if there is no such process. Together with the
 * pid it identifies a process among all of this machine; a process cannot change it.
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

/** Ticks are counted since the machine started. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It has ended, or this process has no file left to read with and tries again later.
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE"].includes(code ?? "")) return undefined;
    throw error;
  }
}
