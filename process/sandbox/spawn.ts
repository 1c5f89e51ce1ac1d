import { type ChildProcess, type IOType, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;
/** The first descriptor after the three standard streams. */
const FIRST = 3;

export interface SpawnOptions {
  readonly cwd: string;
  /** All variables of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** File descriptor for the standard output; a pipe by default. */
  readonly output?: number | undefined;
  /** The result of `highestInherited`. */
  readonly inherited?: number | undefined;
}

/**
 * Starts a program in a session of its own. Ctrl-C at the terminal does not reach it, and its process group can be
 * killed. Its descriptors up to `inherited` are /dev/null.
 */
export function spawnDetached(command: readonly string[], options: SpawnOptions): ChildProcess {
  const { inherited, output = "pipe", ...rest } = options;
  const [program, ...args] = command as [string, ...string[]];
  const streams: (IOType | number)[] = ["pipe", output, "pipe"];
  const nothing = inherited === undefined ? undefined : openSync("/dev/null", "r");
  try {
    const hidden = Array<number>(inherited === undefined ? 0 : inherited - FIRST + 1).fill(nothing!);
    const child = spawn(program, args, { ...rest, detached: true, stdio: [...streams, ...hidden] });
    // Ignore EPIPE: the exit event reports that the program has ended.
    child.stdin?.on("error", () => {});
    return child;
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

/**
 * The highest descriptor, besides the standard streams, that children of this process would inherit. Node itself opens
 * none, but the parent of Skiff may have left some open.
 */
export function highestInherited(): number | undefined {
  return inheritedDescriptors().reduce<number | undefined>((a, b) => Math.max(a ?? b, b), undefined);
}

/**
 * Closes the descriptors that the parent of this process left open. For the start of our own programs: a descriptor
 * above the limit of open files cannot be hidden from children.
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
    // Closed since the listing, as the descriptor of the listing itself.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
