import { anonymousBytes, processTree, writtenBytes } from "./process-tree.ts";

const SAMPLE_MS = 50;
/** Samples between two looks at which processes there are. */
const SAMPLES_PER_TREE = 4;

/** What a process and its children use, in bytes. */
export interface Sample {
  readonly memoryBytes: number;
  /** Written in all, to files and pipes, by those that are still there. */
  readonly writtenBytes: number;
}

interface Metered {
  readonly pid: number;
  readonly onSample: (sample: Sample) => void;
  pids: number[];
  samples: number;
}

/**
 * Looks at the memory of the processes of builds that are under way, every 50 ms. Where the system does not tell
 * (anywhere but Linux) the limits of V8 and Go alone hold.
 */
export class BuildMeter {
  readonly #metered = new Set<Metered>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls `onSample` with what the process uses, until it is told to stop: by what this returns. */
  measure(pid: number, onSample: (sample: Sample) => void): () => void {
    if (process.platform !== "linux") return () => {};
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

  #sampleAll(): void {
    for (const metered of this.#metered) {
      if (metered.samples++ % SAMPLES_PER_TREE === 0) metered.pids = processTree(metered.pid);
      metered.onSample({
        memoryBytes: sum(metered.pids.map(anonymousBytes)),
        writtenBytes: sum(metered.pids.map(writtenBytes)),
      });
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
