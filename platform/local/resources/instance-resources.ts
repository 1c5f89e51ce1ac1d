import { setNice } from "../../../process/proc/niceness.ts";
import { processTree } from "../../../process/proc/process-tree.ts";
import type { SmallFiles } from "../../../process/proc/small-files.ts";
import type { ControlGroup } from "./control-group.ts";
import { type ProcessorTime, processorTime } from "./processor-time.ts";
import { SampledMemory, type SampledProcess } from "./sampled-memory.ts";
import { threadDemand } from "./thread-demand.ts";

/** A change of a group's memory that is worth a closer look. */
const NOTABLE_MIB = 1;

/** Neither this process nor the system has a file left. */
const NO_FILE = new Set<unknown>(["EMFILE", "ENFILE"]);

/** Without control groups: weighs a twentieth of what is usual. */
const NICE = 13;

type YieldReason = "it spins" | "its start works for long";

/**
 * What one instance has of the machine: its memory is measured and limited here. Made before the instance has a process;
 * `join` gives it one, `limit` its setting, `release` is for the end.
 */
export class InstanceResources {
  readonly #files: SmallFiles;
  readonly #group: ControlGroup | undefined;
  #sampled: SampledMemory | undefined;
  #pid = 0;
  /** What its processes held before they were in the group, which is counted elsewhere. */
  #outsideMiB = 0;
  readonly #yieldsBecause = new Set<YieldReason>();
  /** What its processes were told last. */
  #isYielding = false;
  #mostMiB = 0;
  #usedMiB: number | undefined;

  constructor(files: SmallFiles, group: ControlGroup | undefined) {
    this.#files = files;
    this.#group = group;
  }

  /** The first process of the instance; 0 before `join`. */
  get pid(): number {
    return this.#pid;
  }

  /** As it was measured last; undefined before that, and where the system does not say. */
  get usedMiB(): number | undefined {
    return this.#usedMiB;
  }

  /**
   * Counts a process and all that descend from it. Best called while it waits and holds little; it takes up to 30 ms.
   * @throws an error of the system, which is not that the process ended
   */
  async join(root: SampledProcess): Promise<void> {
    const sampled = new SampledMemory(this.#files, root);
    this.#pid = root.pid;
    if (this.#group === undefined) {
      this.#sampled = sampled;
      return;
    }
    await this.#group.join(root.pid);
    this.#outsideMiB = Math.max(0, (sampled.usedMiB() ?? 0) - (this.#group.usedMiB() ?? 0));
  }

  /** Sets the limit that the system holds, where it does; `measure` is compared with the setting all the same. */
  limit(memoryMiB: number): void {
    this.#group?.limit(memoryMiB);
  }

  /** What it holds now in MiB; undefined when it has ended, or where the system does not say. */
  measure(): number | undefined {
    this.#applyYielding();
    this.#usedMiB = this.#group === undefined ? this.#sampled?.usedMiB() : this.#measureGroup(this.#group);
    return this.#usedMiB;
  }

  /** Processor time that it has used; undefined before `join`, when it has ended, and anywhere but on Linux. */
  processor(): ProcessorTime | undefined {
    return processorTime(this.#files, this.#pids());
  }

  /** Time that each of its threads ran or waited for a processor, in ms; empty where the system does not say. */
  threadDemand(): ReadonlyMap<number, number> {
    return threadDemand(this.#files, this.#pids());
  }

  /** True if the system ended it for want of memory: it grew faster than it is sampled. */
  get ranOut(): boolean {
    return this.#group?.ranOut ?? false;
  }

  /** Gives it a small share of the processor beside all others, as long as there is a reason for it. */
  yieldProcessor(yields: boolean, reason: YieldReason = "it spins"): void {
    if (yields) this.#yieldsBecause.add(reason);
    else this.#yieldsBecause.delete(reason);
    this.#applyYielding();
  }

  /** Lets it run like all others whatever the reasons: a process that is killed needs the processor to end. */
  endYielding(): void {
    this.#yieldsBecause.clear();
    this.#applyYielding();
  }

  /** False where the system would not let it run like all others again. */
  get yieldsForAWhile(): boolean {
    return this.#group?.hasProcessor || process.getuid?.() === 0;
  }

  /** Call it when every process has ended. What could not be removed and why; undefined if nothing is left. */
  async release(): Promise<string | undefined> {
    return this.#group?.remove();
  }

  /** Where this process has no file left to do it with, the next measure does. */
  #applyYielding(): void {
    const yields = this.#yieldsBecause.size > 0;
    if (yields === this.#isYielding) return;
    try {
      if (!this.#group?.yieldProcessor(yields)) setNice(this.#pids(), yields ? NICE : 0);
      this.#isYielding = yields;
    } catch (error) {
      if (!NO_FILE.has((error as NodeJS.ErrnoException).code)) throw error;
    }
  }

  #pids(): number[] {
    return process.platform === "linux" && this.#pid > 0 ? processTree(this.#files, this.#pid) : [];
  }

  #measureGroup(group: ControlGroup): number | undefined {
    const mostMiB = group.atMostMiB();
    if (mostMiB === undefined) return undefined;
    if (this.#usedMiB !== undefined && Math.abs(mostMiB - this.#mostMiB) < NOTABLE_MIB) return this.#usedMiB;
    this.#mostMiB = mostMiB;
    const usedMiB = group.usedMiB();
    return usedMiB === undefined ? undefined : usedMiB + this.#outsideMiB;
  }
}
