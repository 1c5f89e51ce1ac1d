import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;
const FIRST = 3;

/**
 * The highest number of a descriptor that programs of this process would inherit besides its three streams. Node opens
 * none of that kind, but whoever started Skiff may have left some.
 */
export function highestInherited(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const numbers = readdirSync("/proc/self/fdinfo").map(Number);
  const inherited = numbers.filter((fd) => fd >= FIRST && isInherited(fd));
  return inherited.length > 0 ? Math.max(...inherited) : undefined;
}

/**
 * Closes what whoever started this process left open: nobody here uses it. For programs of ours alone, at their start,
 * because a descriptor beyond the limit of open files cannot be hidden from children.
 */
export function closeInherited(): void {
  if (process.platform !== "linux") return;
  const numbers = readdirSync("/proc/self/fdinfo").map(Number);
  for (const fd of numbers.filter((each) => each >= FIRST && isInherited(each))) closeSync(fd);
}

/** Starts a program with three pipes, and with /dev/null in the place of what it would inherit up to `highest`. */
export function spawnWithout(
  highest: number | undefined,
  command: readonly string[],
  options: Omit<SpawnOptions, "stdio">,
): ChildProcess {
  const [program, ...args] = command as [string, ...string[]];
  const pipes = ["pipe", "pipe", "pipe"] as const;
  if (highest === undefined) return spawn(program, args, { ...options, stdio: [...pipes] });
  const nothing = openSync("/dev/null", "r");
  try {
    const hidden = Array<number>(highest - FIRST + 1).fill(nothing);
    return spawn(program, args, { ...options, stdio: [...pipes, ...hidden] });
  } finally {
    closeSync(nothing);
  }
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch (error) {
    // It was closed in between: the one that listed the folder is among them.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
