import { statfsSync, statSync } from "node:fs";
import { processTree } from "../../../process/proc/process-tree.ts";
import { fieldOf, type SmallFiles } from "../../../process/proc/small-files.ts";

const MIB = 1024 ** 2;
/** Files that Deno has open for itself. */
const OWN_FILES = 64;
/** What an open file beyond them counts: the buffers of a socket are not to be seen without a control group. */
const MIB_PER_FILE = 1 / 64;
/** Samples after which the processes are looked up again. */
const TREE_EVERY = 5;

export interface SampledProcess {
  readonly pid: number;
  /** Mount points of file systems in memory that are the instance's alone. */
  readonly memoryFolders: readonly string[];
}

/**
 * Memory of an instance without a control group: what `/proc` says of its processes, and its files in memory. Deno's
 * program, which all instances share, does not count.
 */
export class SampledMemory {
  readonly #files: SmallFiles;
  readonly #sampled: SampledProcess;
  #tree: readonly number[] = [];
  #samples = 0;

  constructor(files: SmallFiles, sampled: SampledProcess) {
    this.#files = files;
    this.#sampled = sampled;
  }

  /** Undefined where the system does not say (anywhere but Linux), or it has ended. */
  usedMiB(): number | undefined {
    const { pid, memoryFolders } = this.#sampled;
    if (process.platform !== "linux" || pid === 0) return undefined;
    if (this.#samples++ % TREE_EVERY === 0) this.#tree = processTree(this.#files, pid);
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
    // A process that has ended and was not waited for has no memory, and no such line.
    if (status === undefined || !status.includes("\nRssAnon:")) return undefined;
    const kib = fieldOf(status, "RssAnon:") + fieldOf(status, "RssShmem:") + fieldOf(status, "VmPTE:");
    return kib / 1024 + Math.max(0, openFiles(pid) - OWN_FILES) * MIB_PER_FILE;
  }
}

/** Linux says how many files a process has open since 6.2; before that 0. */
function openFiles(pid: number): number {
  return statSync(`/proc/${pid}/fd`, { throwIfNoEntry: false })?.size ?? 0;
}

function folderMiB(folder: string): number {
  try {
    const { bsize, blocks, bfree } = statfsSync(folder);
    return ((blocks - bfree) * bsize) / MIB;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EMFILE", "ENFILE", "EACCES"].includes(code ?? "")) return 0;
    throw error;
  }
}
