import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The command line of a process, or undefined if there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === "linux") return readProc(pid, "cmdline");
  const { status, stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}

/**
 * Memory that is the process's alone, in MiB: heap, buffers, stacks; not the pages of the Deno binary that
 * all instances share. Undefined where the system does not tell (anywhere but Linux) or it has ended.
 */
export function anonymousMemoryMiB(pid: number): number | undefined {
  const status = process.platform === "linux" ? readProc(pid, "status") : undefined;
  const match = status && /^RssAnon:\s+(\d+) kB$/m.exec(status);
  return match ? Number(match[1]) / 1024 : undefined;
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
