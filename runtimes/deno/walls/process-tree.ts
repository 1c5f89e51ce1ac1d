import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";

/** A process with those that it started, in any order; empty once it has ended. Linux alone tells. */
export function processTree(pid: number): number[] {
  const found: number[] = [];
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const threads = threadsOf(next);
    if (threads.length === 0) continue;
    found.push(next);
    for (const thread of threads) {
      const children = readProc(`/proc/${next}/task/${thread}/children`);
      for (const child of children?.split(" ") ?? []) if (child !== "") open.push(Number(child));
    }
  }
  return found;
}

/** Whether the system tells which processes a process has started. */
export function knowsProcessTrees(): boolean {
  return readProc(`/proc/self/task/${process.pid}/children`) !== undefined;
}

/** Memory that belongs to the process alone, in bytes; 0 if it has ended. */
export function anonymousBytes(pid: number): number {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`) ?? "");
  return match ? Number(match[1]) * 1024 : 0;
}

/** Bytes that it has written so far, to files and pipes; 0 if it has ended. */
export function writtenBytes(pid: number): number {
  const match = /^wchar: (\d+)$/m.exec(readProc(`/proc/${pid}/io`) ?? "");
  return match ? Number(match[1]) : 0;
}

/**
 * Lets everything else of the machine go first. Linux keeps a priority for each thread; and where it groups threads by
 * session, one for the group, within which that of a thread counts.
 */
export function lowerPriority(pids: readonly number[], nice: number): void {
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) setNice(Number(thread), nice);
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(nice));
    } catch (error) {
      if (!isGone(error, "EAGAIN", "EPERM", "EACCES", "EINVAL")) throw error;
    }
  }
}

function setNice(thread: number, nice: number): void {
  try {
    setPriority(thread, nice);
  } catch (error) {
    // Ended, or not this user's: then it stays as it is, which costs speed alone.
    const { code, info } = error as NodeJS.ErrnoException & { info?: { code?: string } };
    if (!["ESRCH", "EPERM", "EACCES"].includes(info?.code ?? code ?? "")) throw error;
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** It has ended; or this process has no file left to look with, or no right to, and looks again later. */
function isGone(error: unknown, ...others: string[]): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ENOENT", "ESRCH", "EMFILE", "ENFILE", "EACCES", ...others].includes(code);
}
