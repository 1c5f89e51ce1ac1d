import type { Limits } from "../../../platform/limits.ts";
import { setNice } from "../../../process/proc/niceness.ts";
import { processTree } from "../../../process/proc/process-tree.ts";
import { fieldOf, SmallFiles } from "../../../process/proc/small-files.ts";
import { outOfMemory } from "../build/build-problems.ts";
import type { BuildProcess } from "./build-process.ts";

const SAMPLE_MS = 50;
/** Samples after which the processes are looked up again. */
const SAMPLES_PER_TREE = 4;
/** Slow builds get a tenth of a processor that others want. */
const SLOW_NICE = 10;

/** What a process and its children use, in bytes. */
export interface Sample {
  /** Memory that belongs to them alone. */
  readonly memoryBytes: number;
  /** Written in all, to files and pipes, by those that are still there. */
  readonly writtenBytes: number;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly limits: Limits;
  readonly onSample: (sample: Sample) => void;
}

interface Metered {
  readonly pid: number;
  readonly onSample: (sample: Sample) => void;
  pids: number[];
  samples: number;
}

/**
 * Samples the memory of build processes every 50 ms. Where the system does not report it (anywhere but on Linux) only the
 * limits of V8 and Go hold.
 */
export class BuildMeter {
  // The kernel lets nobody read the counters of a process that changes its user.
  readonly #files = new SmallFiles(["EACCES"]);
  readonly #metered = new Set<Metered>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * Resolves or rejects as `work` does, which the process is doing. Kills the process when it takes too much memory, or
   * the signal aborts.
   * @throws Problem `build_failed` if it took too much memory; the signal's reason
   */
  async watch<T>(
    process: BuildProcess,
    { signal, limits, onSample }: WatchOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    const kill = () => process.kill();
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    let isOver = false;
    const stop = this.#measure(process.pid, (sample) => {
      isOver ||= sample.memoryBytes > limits.buildMemoryBytes;
      if (isOver) kill();
      onSample(sample);
    });
    const [done] = await Promise.allSettled([Promise.try(work)]);
    stop();
    signal.removeEventListener("abort", kill);
    signal.throwIfAborted();
    if (isOver) throw outOfMemory(limits);
    if (done.status === "rejected") throw done.reason;
    return done.value;
  }

  /** Returns a function that stops it. */
  #measure(pid: number | undefined, onSample: (sample: Sample) => void): () => void {
    if (process.platform !== "linux" || pid === undefined) return () => {};
    const metered: Metered = { pid, onSample, pids: [], samples: 0 };
    this.#metered.add(metered);
    this.#timer ??= setInterval(() => this.#sampleAll(), SAMPLE_MS);
    return () => {
      this.#metered.delete(metered);
      if (this.#metered.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Lets everything else on the machine run before a process and its children. */
  slowDown(pid: number): void {
    if (process.platform !== "linux") return;
    try {
      setNice(this.#tree(pid), SLOW_NICE);
    } catch (error) {
      // Without a file left to write with it keeps its priority, which costs speed alone.
      if (!["EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }

  /** Whether the system reports which processes a process has started. */
  get seesChildren(): boolean {
    return process.platform === "linux" && this.#tree(process.pid).length > 0;
  }

  #sampleAll(): void {
    for (const metered of this.#metered) {
      if (metered.samples++ % SAMPLES_PER_TREE === 0) metered.pids = this.#tree(metered.pid);
      const sum = (file: string, field: string) =>
        metered.pids.reduce((all, pid) => all + this.#field(pid, file, field), 0);
      metered.onSample({
        memoryBytes: sum("status", "RssAnon:") * 1024,
        writtenBytes: sum("io", "wchar:"),
      });
    }
  }

  /** 0 if the process has ended. */
  #field(pid: number, file: string, name: string): number {
    return fieldOf(this.#files.text(`/proc/${pid}/${file}`) ?? "", name);
  }

  #tree(pid: number): number[] {
    return processTree(this.#files, pid, { most: Number.POSITIVE_INFINITY, ofAllThreads: true });
  }
}
