import { type ChildProcess, type IOType, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;
/** Behind the three streams. */
const FIRST = 3;

export interface SpawnOptions {
  readonly cwd: string;
  /** All variables that the program gets. */
  readonly env: Readonly<Record<string, string>>;
  /** A file for the standard output; a pipe by default. */
  readonly output?: number | undefined;
  /** The result of `highestInherited`. */
  readonly inherited?: number | undefined;
}

/**
 * Starts a program in a session of its own: Ctrl-C at the terminal does not reach it, and its children can be killed
 * with it. Descriptors up to `inherited` lead to /dev/null in it.
 */
export function spawnDetached(command: readonly string[], options: SpawnOptions): ChildProcess {
  const { inherited, output = "pipe", ...rest } = options;
  const [program, ...args] = command as [string, ...string[]];
  const streams: (IOType | number)[] = ["pipe", output, "pipe"];
  const nothing = inherited === undefined ? undefined : openSync("/dev/null", "r");
  try {
    const hidden = Array<number>(inherited === undefined ? 0 : inherited - FIRST + 1).fill(nothing!);
    const child = spawn(program, args, { ...rest, detached: true, stdio: [...streams, ...hidden] });
    // EPIPE when it has ended already, which its exit reports.
    child.stdin?.on("error", () => {});
    return child;
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

/**
 * The highest number of a descriptor that programs of this process would inherit besides its three streams. Node opens
 * none of that kind, but whoever started Skiff may have left some.
 */
export function highestInherited(): number | undefined {
  return inheritedDescriptors().reduce<number | undefined>((a, b) => Math.max(a ?? b, b), undefined);
}

/**
 * Closes what whoever started this process left open: nobody here uses it. For our own programs alone, at their start,
 * because a descriptor beyond the limit of open files cannot be hidden from children.
 */
export function closeInherited(): void {
  for (const descriptor of inheritedDescriptors()) closeSync(descriptor);
}

function inheritedDescriptors(): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fdinfo")
    .map(Number)
    .filter((descriptor) => descriptor >= FIRST && isInherited(descriptor));
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch (error) {
    // It was closed in between: the one that listed the folder is among them.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
