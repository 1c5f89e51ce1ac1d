import { statfsSync, statSync } from "node:fs";
import { processTree, type TreeOptions } from "../../../process/proc/process-tree.ts";
import { fieldOf, type SmallFiles } from "../../../process/proc/small-files.ts";

/** Files that Deno has open for itself. */
const OWN_FILES = 64;
/** Estimate for each further file: without a control group the buffers of sockets cannot be measured. */
const MIB_PER_FILE = 1 / 64;
/** Samples between two searches for the processes of an instance that starts none. */
const TREE_EVERY = 5;

export interface SampledProcess {
  readonly pid: number;
  /** Mount points of file systems in memory that only this instance uses. */
  readonly memoryFolders: readonly string[];
}

/**
 * Measures an instance without a control group: the memory that `/proc` reports for its processes, and its files in
 * memory. Deno's program is left out, because all instances share it.
 */
export class SampledMemory {
  readonly #files: SmallFiles;
  readonly #sampled: SampledProcess;
  readonly #options: TreeOptions;
  /** Programs come and go between two samples. */
  readonly #treeEvery: number;
  #tree: readonly number[] = [];
  #samples = 0;

  constructor(files: SmallFiles, sampled: SampledProcess, options: TreeOptions = {}) {
    this.#files = files;
    this.#sampled = sampled;
    this.#options = options;
    this.#treeEvery = options.ofAllThreads ? 1 : TREE_EVERY;
  }

  /** Undefined when the instance has ended, and on every system but Linux. */
  usedMiB(): number | undefined {
    const { pid, memoryFolders } = this.#sampled;
    if (process.platform !== "linux" || pid === 0) return undefined;
    if (this.#samples++ % this.#treeEvery === 0) {
      this.#tree = processTree(this.#files, pid, this.#options);
    }
    let sum: number | undefined;
    for (const each of this.#tree) {
      const used = this.#processMiB(each);
      if (used !== undefined) sum = (sum ?? 0) + used;
    }
    if (sum === undefined) return undefined;
    for (const folder of memoryFolders) sum += folderMiB(folder);
    return sum;
  }

  #processMiB(pid: number): number | undefined {
    const status = this.#files.text(`/proc/${pid}/status`);
    // A zombie has no memory, and no such line.
    if (status === undefined || !status.includes("\nRssAnon:")) return undefined;
    const kib = fieldOf(status, "RssAnon:") + fieldOf(status, "RssShmem:") + fieldOf(status, "VmPTE:");
    // Linux reports the number of open files as the size of this folder since 6.2, and 0 before.
    const openFiles = statSync(`/proc/${pid}/fd`, { throwIfNoEntry: false })?.size ?? 0;
    return kib / 1024 + Math.max(0, openFiles - OWN_FILES) * MIB_PER_FILE;
  }
}

function folderMiB(folder: string): number {
  try {
    const { bsize, blocks, bfree } = statfsSync(folder);
    return ((blocks - bfree) * bsize) / 1024 ** 2;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE", "EACCES"].includes(code ?? "")) return 0;
    throw error;
  }
}
