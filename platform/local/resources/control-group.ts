import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { processTree } from "../../../process/proc/process-tree.ts";
import type { SmallFiles } from "../../../process/proc/small-files.ts";
import type { GroupControllers } from "./controllers.ts";
import { type MemoryFiles, memoryFiles } from "./group-files.ts";
import { removeGroup } from "./left-groups.ts";

/** Pauses before a group is removed, again each time: its last process may not be quite gone. */
const REMOVE_AFTER_MS = [0, 5, 50, 500, 2_000];
/** A process may start another one while its tree is moved; one that goes on doing so is none of ours. */
const ROUNDS = 5;
/** What the kernel lets a group have besides the setting: pages of Deno's file, and growth until the next sample. */
export const SLACK_MIB = 64;
/** Threads: Deno has up to 512 for blocking work, and every worker some of its own. */
const MOST_THREADS = 1_024;
/**
 * Share of the processor beside Skiff's own 1,024 (version 1) or 100 (version 2), because Skiff itself must not starve,
 * and the share of an instance that yields: a twentieth, with which it still comes to an end on a machine that others use
 * up, as it would not with `cpu.idle`.
 */
const WEIGHTS = {
  1: ["cpu.shares", "512", "26"],
  2: ["cpu.weight", "50", "3"],
} as const;

/** The control group of one instance. With version 1 a folder per controller, with version 2 one for all. */
export class ControlGroup {
  readonly folders: readonly string[];
  readonly #files: SmallFiles;
  readonly #memory: MemoryFiles;
  readonly #weight: (typeof WEIGHTS)[1 | 2] | undefined;
  readonly #path: { readonly memory: string; readonly pids?: string; readonly cpu?: string };

  /** Makes the group. @throws an error of the system */
  constructor(files: SmallFiles, controllers: GroupControllers, name: string) {
    const { memory, pids, cpu } = controllers;
    this.#files = files;
    this.#memory = memoryFiles(memory);
    this.#path = {
      memory: join(memory.folder, name),
      ...(pids && { pids: join(pids.folder, name) }),
      ...(cpu && { cpu: join(cpu.folder, name) }),
    };
    this.folders = [...new Set(Object.values(this.#path))];
    this.#weight = cpu && WEIGHTS[cpu.version];
    try {
      for (const folder of this.folders) mkdirSync(folder);
      if (this.#path.pids) writeFileSync(join(this.#path.pids, "pids.max"), String(MOST_THREADS));
      if (this.#path.cpu) writeFileSync(join(this.#path.cpu, this.#weight![0]), this.#weight![1]);
    } catch (error) {
      for (const folder of this.folders) removeGroup(folder);
      throw error;
    }
  }

  /**
   * Moves a process and all that descend from it into the group. The system may take 30 ms for it, so it does not
   * hold up the event loop. What they hold already stays counted where it was.
   */
  async join(pid: number): Promise<void> {
    const moved = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const left = processTree(this.#files, pid).filter((each) => !moved.has(each));
      if (left.length === 0) return;
      for (const each of left) {
        moved.add(each);
        for (const folder of this.folders) await writeIfThere(join(folder, "cgroup.procs"), String(each));
      }
    }
  }

  /** Sets the limit that the kernel holds, which is a little above the setting. */
  limit(memoryMiB: number): void {
    for (const [file, text] of this.#memory.limits((memoryMiB + SLACK_MIB) * 1024 ** 2)) {
      const path = join(this.#path.memory, file);
      // Kernels that do not count swap or TCP buffers have no such file.
      if (existsSync(path)) writeFileSync(path, text);
    }
  }

  atMostMiB(): number | undefined {
    return this.#memory.atMostMiB(this.#files, this.#path.memory);
  }

  usedMiB(): number | undefined {
    return this.#memory.usedMiB(this.#files, this.#path.memory);
  }

  /** True once the system ended a process of it for want of memory. */
  get ranOut(): boolean {
    return this.#memory.kills(this.#files, this.#path.memory) > 0;
  }

  /** True if it decides when its processes get the processor. */
  get hasProcessor(): boolean {
    return this.#path.cpu !== undefined;
  }

  /** Gives its processes a small share of the processor, or the usual one. False: it cannot. */
  yieldProcessor(yields: boolean): boolean {
    const cpu = this.#path.cpu;
    if (!cpu) return false;
    const [file, usual, small] = this.#weight!;
    try {
      writeFileSync(join(cpu, file), yields ? small : usual);
    } catch (error) {
      // It has ended, and its group is removed.
      if (!["ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    return true;
  }

  /** Removes the group, which must have no process. What could not be removed and why; undefined if nothing is left. */
  async remove(): Promise<string | undefined> {
    let left: readonly string[] = this.folders;
    for (const pauseMs of REMOVE_AFTER_MS) {
      if (pauseMs > 0) await setTimeout(pauseMs);
      left = left.filter((folder) => !removeGroup(folder));
      if (left.length === 0) return undefined;
    }
    return `the control group ${left.join(", ")} cannot be removed: it has processes`;
  }
}

async function writeIfThere(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    // ESRCH: the process has ended. The group is gone when the instance ended meanwhile.
    if (!["ESRCH", "ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
