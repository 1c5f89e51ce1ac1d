import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The command line of a process, or undefined if there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === "linux") return readProc(pid, "cmdline");
  const { status, stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It has ended; or this process has no file left to look with, and looks again later.
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE"].includes(code ?? "")) return undefined;
    throw error;
  }
}
