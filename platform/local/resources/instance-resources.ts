import { setNice } from "../../../process/proc/niceness.ts";
import { processTree, type TreeOptions, threadsOf } from "../../../process/proc/process-tree.ts";
import type { SmallFiles } from "../../../process/proc/small-files.ts";
import type { Settings } from "../../settings/settings.ts";
import type { ControlGroup } from "./control-group.ts";
import { SampledMemory, type SampledProcess } from "./sampled-memory.ts";

/** A group is measured exactly when its upper bound has changed by this much. */
const NOTABLE_MIB = 1;
/** This process or the system has no free file descriptor. */
const NO_FILE = new Set<unknown>(["EMFILE", "ENFILE"]);
/** Without control groups: weighs a twentieth of the usual niceness. */
const NICE = 13;
/** The unit of `/proc/PID/stat` on every Linux. */
const MS_PER_TICK = 10;
const NS_PER_MS = 1e6;

/** Open files of Deno, of the platform's connections and of a function, besides the connections of its calls. */
const FILES = 512;
const FILES_PER_CALL = 2;

type YieldReason = "it spins" | "its start works for long";

export interface ProcessorTime {
  /** Processor time of all threads of all processes, in steps of 10 ms. */
  readonly usedMs: number;
  /** Whether a process runs, is ready to run, or waits for a disk. */
  readonly runs: boolean;
}

/**
 * Returns the limits of each process of an instance. `openFiles` is RLIMIT_NOFILE: each socket has up to 416 KiB of
 * buffers, which do not count as memory of the process.
 */
export function instanceLimits({ concurrency }: Pick<Settings, "concurrency">) {
  return { openFiles: FILES + FILES_PER_CALL * concurrency };
}

/**
 * Measures and limits one instance. It is made before the instance has a process: `join` adds the process, `limit` sets
 * its memory, `release` ends it.
 */
export class InstanceResources {
  readonly #files: SmallFiles;
  readonly #group: ControlGroup | undefined;
  readonly #tree: TreeOptions;
  #sampled: SampledMemory | undefined;
  #pid = 0;
  /** Memory of its processes from before they joined the group, which the kernel counts elsewhere. */
  #outsideMiB = 0;
  readonly #yieldsBecause = new Set<YieldReason>();
  /** The state that was applied to its processes. */
  /** Of the processor. */
  #share: "start" | "usual" | "small" = "start";
  #hasStarted = false;
  #mostMiB = 0;
  #usedMiB: number | undefined;

  /** @param tree how its processes are found; by default those of an instance that starts none */
  constructor(files: SmallFiles, group: ControlGroup | undefined, tree: TreeOptions = {}) {
    this.#files = files;
    this.#group = group;
    this.#tree = tree;
  }

  /** The first process of the instance; 0 before `join`. */
  get pid(): number {
    return this.#pid;
  }

  /** The last measurement; undefined before it, and where the system does not report memory. */
  get usedMiB(): number | undefined {
    return this.#usedMiB;
  }

  /**
   * Adds a process and its descendants, in up to 30 ms. Call it while the process waits and holds little memory.
   * @throws an error of the system, unless the process has ended
   */
  async join(root: SampledProcess): Promise<void> {
    const sampled = new SampledMemory(this.#files, root, this.#tree);
    this.#pid = root.pid;
    if (this.#group === undefined) {
      this.#sampled = sampled;
      return;
    }
    await this.#group.join(root.pid);
    this.#outsideMiB = Math.max(0, (sampled.usedMiB() ?? 0) - (this.#group.usedMiB() ?? 0));
  }

  /** Sets the limit that the kernel enforces, if there is a group. Callers compare `measure` with the setting anyway. */
  limit(memoryMiB: number): void {
    this.#group?.limit(memoryMiB);
  }

  /** Measures the memory in MiB; undefined when the instance has ended, or where the system does not report memory. */
  measure(): number | undefined {
    this.#applyYielding();
    this.#usedMiB = this.#group === undefined ? this.#sampled?.usedMiB() : this.#measureGroup(this.#group);
    return this.#usedMiB;
  }

  /** Undefined before `join`, when the instance has ended, and on every system but Linux. */
  processor(): ProcessorTime | undefined {
    let usedMs: number | undefined;
    let runs = false;
    for (const pid of this.#pids()) {
      const stat = this.#files.text(`/proc/${pid}/stat`);
      if (stat === undefined) continue;
      // The program's name, in parentheses, may contain spaces and parentheses.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      usedMs = (usedMs ?? 0) + (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
      runs ||= fields[0] === "R" || fields[0] === "D";
    }
    return usedMs === undefined ? undefined : { usedMs, runs };
  }

  /** Time in ms that each thread ran or waited for a processor; empty where the system does not report it. */
  threadDemand(): ReadonlyMap<number, number> {
    const demand = new Map<number, number>();
    for (const pid of this.#pids()) {
      for (const thread of threadsOf(pid)) {
        const text = this.#files.text(`/proc/${pid}/task/${thread}/schedstat`);
        const [ran, waited] = (text ?? "").split(" ").map(Number);
        if (ran !== undefined && waited !== undefined) demand.set(thread, (ran + waited) / NS_PER_MS);
      }
    }
    return demand;
  }

  /** Whether the kernel killed it because it ran out of memory, which happens if it grows faster than the samples. */
  get ranOut(): boolean {
    return this.#group?.ranOut ?? false;
  }

  /** Adds or removes a reason to give the instance a small share of the processor. */
  yieldProcessor(yields: boolean, reason: YieldReason = "it spins"): void {
    if (yields) this.#yieldsBecause.add(reason);
    else this.#yieldsBecause.delete(reason);
    this.#applyYielding();
  }

  /** Ends the processor share of a start, which is that of Skiff itself. */
  started(): void {
    this.#hasStarted = true;
    this.#applyYielding();
  }

  /** Removes all reasons to yield: a killed process needs the processor to end. */
  endYielding(): void {
    this.#yieldsBecause.clear();
    this.#applyYielding();
  }

  /** False where the system would not let Skiff undo the yielding. */
  get yieldsForAWhile(): boolean {
    return this.#group?.hasProcessor || process.getuid?.() === 0;
  }

  /** Call it when every process has ended. Returns undefined, or what could not be removed and why. */
  async release(): Promise<string | undefined> {
    return this.#group?.remove();
  }

  /** Without a free file descriptor, the next `measure` applies it. */
  #applyYielding(): void {
    const yields = this.#yieldsBecause.size > 0;
    const isStarting = !this.#hasStarted && this.#share === "start";
    const share = yields ? "small" : isStarting ? "start" : "usual";
    if (share === this.#share) return;
    try {
      const isNice = this.#share === "small" || yields;
      if (!this.#group?.yieldProcessor(yields) && isNice) setNice(this.#pids(), yields ? NICE : 0);
      this.#share = share;
    } catch (error) {
      // The next measurement tries again.
      if (!NO_FILE.has((error as NodeJS.ErrnoException).code)) throw error;
    }
  }

  #pids(): number[] {
    const isMeasured = process.platform === "linux" && this.#pid > 0;
    return isMeasured ? processTree(this.#files, this.#pid, this.#tree) : [];
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
