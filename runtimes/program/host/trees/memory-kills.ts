import { readFileSync } from "node:fs";

/** Files of the control group, as a container or pod sees them: version 2, and version 1. */
const FILES = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];

/** Counts the processes that the kernel kills because the memory of the container runs out. */
export class MemoryKills {
  /** Undefined where the control group cannot be seen. */
  readonly #file: string | undefined;

  constructor(files: readonly string[] = FILES) {
    this.#file = files.find((file) => countIn(file) !== undefined);
  }

  /** Zero where they cannot be counted. */
  get count(): number {
    return this.#file === undefined ? 0 : (countIn(this.#file) ?? 0);
  }
}

function countIn(file: string): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(code)) return undefined;
    throw error;
  }
}
