import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { processTree } from "../../../process/proc/process-tree.ts";
import { fieldOf, type SmallFiles } from "../../../process/proc/small-files.ts";
import type { GroupControllers } from "./controllers.ts";
import { killGroup, removeGroup } from "./left-groups.ts";

const MIB = 1024 ** 2;
/** Pauses between attempts to remove a group, because the kernel may still be removing its last process. */
const REMOVE_AFTER_MS = [0, 5, 50, 500, 2_000];
/** Attempts to move a process tree, because a process may start another one meanwhile. */
const ROUNDS = 5;
/** Added to the setting for the kernel's limit: pages of Deno's file, and growth until the next sample. */
const SLACK_MIB = 64;
/** Threads: Deno has up to 512 for blocking work, and every worker some of its own. */
const MOST_THREADS = 1_024;
/** Exceeds any limit, yet is one: version 1 counts TCP buffers only where they have a limit. */
const COUNTED_TCP_BYTES = 2 ** 50;
/**
 * The file, the usual weight and the small weight. Skiff itself has 1,024 (version 1) or 100 (version 2), so that
 * instances cannot starve it. A new group has Skiff's weight too, until the start of its instance is over: a call waits
 * for that, and few instances start at a time. The small weight is a twentieth of the usual one: the instance still
 * completes on a busy machine, which it would not with `cpu.idle`.
 */
const WEIGHTS = {
  1: ["cpu.shares", "512", "26"],
  2: ["cpu.weight", "50", "3"],
} as const;

/** The memory files of version 1. Some kernels lack the last limit, which must be written last. */
const V1 = {
  limits: (bytes: number) => ({
    "memory.limit_in_bytes": bytes,
    "memory.kmem.tcp.limit_in_bytes": COUNTED_TCP_BYTES,
    "memory.memsw.limit_in_bytes": bytes,
  }),
  atMostMiB(files: SmallFiles, path: string) {
    const usage = files.number(`${path}/memory.usage_in_bytes`);
    if (usage === undefined) return undefined;
    return (usage + (files.number(`${path}/memory.kmem.tcp.usage_in_bytes`) ?? 0)) / MIB;
  },
  usedMiB(files: SmallFiles, path: string) {
    const stat = files.text(`${path}/memory.stat`);
    if (stat === undefined) return undefined;
    const kernel = files.number(`${path}/memory.kmem.usage_in_bytes`) ?? 0;
    const tcp = files.number(`${path}/memory.kmem.tcp.usage_in_bytes`) ?? 0;
    return (fieldOf(stat, "rss ") + fieldOf(stat, "shmem ") + fieldOf(stat, "swap ") + kernel + tcp) / MIB;
  },
  kills: "memory.oom_control",
};

const V2 = {
  limits: (bytes: number) => ({ "memory.max": bytes, "memory.oom.group": 1, "memory.swap.max": 0 }),
  atMostMiB(files: SmallFiles, path: string) {
    const usage = files.number(`${path}/memory.current`);
    return usage === undefined ? undefined : usage / MIB;
  },
  usedMiB(files: SmallFiles, path: string) {
    const stat = files.text(`${path}/memory.stat`);
    if (stat === undefined) return undefined;
    // Linux before 5.18 has no total of the kernel's memory.
    const kernel =
      fieldOf(stat, "kernel ") - fieldOf(stat, "slab_reclaimable ") ||
      fieldOf(stat, "kernel_stack ") + fieldOf(stat, "pagetables ") + fieldOf(stat, "slab_unreclaimable ");
    const others = fieldOf(stat, "anon ") + fieldOf(stat, "shmem ") + fieldOf(stat, "sock ");
    return (others + Math.max(0, kernel)) / MIB;
  },
  kills: "memory.events",
};

/** The control group of one instance. Version 1 has a folder per controller, version 2 one folder for all. */
export class ControlGroup {
  readonly folders: readonly string[];
  readonly #files: SmallFiles;
  readonly #memory: typeof V1 | typeof V2;
  readonly #weight: (typeof WEIGHTS)[1 | 2] | undefined;
  readonly #path: { readonly memory: string; readonly pids?: string; readonly cpu?: string };

  /** Makes the group. @throws an error of the system */
  constructor(files: SmallFiles, controllers: GroupControllers, name: string, threads = MOST_THREADS) {
    const { memory, pids, cpu } = controllers;
    this.#files = files;
    this.#memory = memory.version === 1 ? V1 : V2;
    this.#path = {
      memory: join(memory.folder, name),
      ...(pids && { pids: join(pids.folder, name) }),
      ...(cpu && { cpu: join(cpu.folder, name) }),
    };
    this.folders = [...new Set(Object.values(this.#path))];
    this.#weight = cpu && WEIGHTS[cpu.version];
    try {
      for (const folder of this.folders) mkdirSync(folder);
      if (this.#path.pids) writeFileSync(join(this.#path.pids, "pids.max"), String(threads));
    } catch (error) {
      for (const folder of this.folders) removeGroup(folder);
      throw error;
    }
  }

  /**
   * Moves a process and its descendants into the group. The kernel may take 30 ms, so the writes do not block the event
   * loop. Memory that the processes hold already stays counted in their former group.
   */
  async join(pid: number): Promise<void> {
    const moved = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const left = processTree(this.#files, pid).filter((each) => !moved.has(each));
      if (left.length === 0) return;
      for (const each of left) {
        moved.add(each);
        for (const folder of this.folders) {
          await writeFile(join(folder, "cgroup.procs"), String(each)).catch(throwUnlessGone);
        }
      }
    }
  }

  /** Sets the limit that the kernel enforces, which is slightly above the setting. */
  limit(memoryMiB: number): void {
    for (const [file, value] of Object.entries(this.#memory.limits((memoryMiB + SLACK_MIB) * MIB))) {
      const path = join(this.#path.memory, file);
      // The file is absent on kernels that do not count swap or TCP buffers.
      if (existsSync(path)) writeFileSync(path, String(value));
    }
  }

  /** Cheap upper bound of `usedMiB`: it includes the file cache, which the kernel reclaims by itself. */
  atMostMiB(): number | undefined {
    return this.#memory.atMostMiB(this.#files, this.#path.memory);
  }

  /** Heap, stacks, shared memory, files in memory, socket buffers, page tables and other memory of the kernel. */
  usedMiB(): number | undefined {
    return this.#memory.usedMiB(this.#files, this.#path.memory);
  }

  /** Whether the kernel has killed a process of the group because it ran out of memory. */
  get ranOut(): boolean {
    const events = this.#files.text(`${this.#path.memory}/${this.#memory.kills}`);
    return fieldOf(events ?? "", "oom_kill ") > 0;
  }

  /** Whether the group controls the processor share of its processes. */
  get hasProcessor(): boolean {
    return this.#path.cpu !== undefined;
  }

  /** Sets the small or the usual share of the processor. Returns false if the group does not control it. */
  yieldProcessor(yields: boolean): boolean {
    if (!this.#path.cpu) return false;
    const [file, usual, small] = this.#weight!;
    try {
      writeFileSync(join(this.#path.cpu, file), yields ? small : usual);
    } catch (error) {
      throwUnlessGone(error);
    }
    return true;
  }

  /**
   * Removes the group and kills what is in it: programs without a sandbox may outlive their host. Returns undefined, or the
   * folders that are left and why.
   */
  async remove(): Promise<string | undefined> {
    let left: readonly string[] = this.folders;
    for (const pauseMs of REMOVE_AFTER_MS) {
      if (pauseMs > 0) await setTimeout(pauseMs);
      left = left.filter((folder) => !removeGroup(folder));
      if (left.length === 0) return undefined;
      for (const folder of left) killGroup(folder);
    }
    return `the control group ${left.join(", ")} cannot be removed: it has processes`;
  }
}

/** ESRCH: the process has ended. The others: the instance has ended and its group was removed. */
function throwUnlessGone(error: unknown): void {
  if (!["ESRCH", "ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
}
