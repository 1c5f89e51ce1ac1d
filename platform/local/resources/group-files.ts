import { fieldOf, type SmallFiles } from "../../../process/proc/small-files.ts";
import type { Controller } from "./controllers.ts";

const MIB = 1024 ** 2;
/** Larger than any limit and yet a limit: version 1 counts TCP buffers only where they have one. */
const COUNTED_TCP_BYTES = 2 ** 50;

/** How the two versions of control groups name what is read and written of memory. `path` is the group's folder. */
export interface MemoryFiles {
  /** What is written to limit a group, in this order: files and texts. The last one may not be there. */
  limits(bytes: number): readonly (readonly [file: string, text: string])[];
  /** Cheap, and never less than `usedMiB`: it has the file cache, which the kernel takes back by itself. */
  atMostMiB(files: SmallFiles, path: string): number | undefined;
  /** Heap, stacks, shared memory, files in memory, socket buffers, page tables and what else the kernel keeps. */
  usedMiB(files: SmallFiles, path: string): number | undefined;
  /** Processes of the group that the system ended for want of memory. */
  kills(files: SmallFiles, path: string): number;
}

const V1: MemoryFiles = {
  limits: (bytes) => [
    ["memory.limit_in_bytes", String(bytes)],
    ["memory.kmem.tcp.limit_in_bytes", String(COUNTED_TCP_BYTES)],
    ["memory.memsw.limit_in_bytes", String(bytes)],
  ],
  atMostMiB(files, path) {
    const usage = files.number(`${path}/memory.usage_in_bytes`);
    if (usage === undefined) return undefined;
    return (usage + (files.number(`${path}/memory.kmem.tcp.usage_in_bytes`) ?? 0)) / MIB;
  },
  usedMiB(files, path) {
    const stat = files.text(`${path}/memory.stat`);
    if (stat === undefined) return undefined;
    const kernel = files.number(`${path}/memory.kmem.usage_in_bytes`) ?? 0;
    const tcp = files.number(`${path}/memory.kmem.tcp.usage_in_bytes`) ?? 0;
    return (fieldOf(stat, "rss ") + fieldOf(stat, "shmem ") + fieldOf(stat, "swap ") + kernel + tcp) / MIB;
  },
  kills: (files, path) => fieldOf(files.text(`${path}/memory.oom_control`) ?? "", "oom_kill "),
};

const V2: MemoryFiles = {
  limits: (bytes) => [
    ["memory.max", String(bytes)],
    ["memory.oom.group", "1"],
    ["memory.swap.max", "0"],
  ],
  atMostMiB(files, path) {
    const usage = files.number(`${path}/memory.current`);
    return usage === undefined ? undefined : usage / MIB;
  },
  usedMiB(files, path) {
    const stat = files.text(`${path}/memory.stat`);
    if (stat === undefined) return undefined;
    // Before Linux 5.18 there was no sum of what the kernel keeps.
    const kernel =
      fieldOf(stat, "kernel ") - fieldOf(stat, "slab_reclaimable ") ||
      fieldOf(stat, "kernel_stack ") + fieldOf(stat, "pagetables ") + fieldOf(stat, "slab_unreclaimable ");
    return (
      (fieldOf(stat, "anon ") + fieldOf(stat, "shmem ") + fieldOf(stat, "sock ") + Math.max(0, kernel)) / MIB
    );
  },
  kills: (files, path) => fieldOf(files.text(`${path}/memory.events`) ?? "", "oom_kill "),
};

export function memoryFiles({ version }: Controller): MemoryFiles {
  return version === 1 ? V1 : V2;
}
