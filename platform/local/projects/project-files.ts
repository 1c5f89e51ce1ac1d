import { rename, rm } from "node:fs/promises";
import { Worker } from "node:worker_threads";

/** Makes the folder `to`: of a packed project, or of links to the files of the folder `from`. */
export type ProjectWork =
  | { readonly packed: Uint8Array; readonly to: string }
  | { readonly from: string; readonly to: string };

export interface ProjectRequest {
  readonly id: number;
  readonly work: ProjectWork;
}

export interface ProjectAnswer {
  readonly id: number;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

/** Spare folders at a time. Their files are links, but each has folders of its own. */
const MOST_SPARES = 64;
/** Pause before a spare is made, because the instance that took the last one starts and needs the processor more. */
const SPARE_AFTER_MS = 300;

/**
 * Makes the folders of projects, in a thread that starts with the first one. An instance needs a folder of its own, and a
 * link for each of some hundred files takes as long as to start Deno: so each project that was started has a spare one.
 */
export class ProjectFiles {
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  /** Projects with a spare folder, the one that was made first first. */
  readonly #spares = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #worker: Worker | undefined;
  #ids = 0;

  /** Unpacks a project into a folder that does not exist. @throws Error if it is damaged, or of the file system */
  unpack(packed: Uint8Array, to: string): Promise<void> {
    return this.#perform({ packed, to });
  }

  /** Makes a folder with links to all files of another one. @throws Error of the file system */
  link(from: string, to: string): Promise<void> {
    return this.#perform({ from, to });
  }

  /** The same, by the spare folder of the project if it has one. */
  async place(from: string, to: string): Promise<void> {
    const isPlaced = this.#spares.delete(from) && (await isRenamed(spareOf(from), to));
    if (!isPlaced) await this.link(from, to);
    if (this.#timers.has(from)) return;
    const timer = setTimeout(() => void this.#makeSpare(from), SPARE_AFTER_MS);
    timer.unref();
    this.#timers.set(from, timer);
  }

  /** Forgets a project whose folder is about to be removed, with all that lies beside it. */
  forget(from: string): void {
    clearTimeout(this.#timers.get(from));
    this.#timers.delete(from);
    this.#spares.delete(from);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#worker?.terminate();
  }

  async #makeSpare(from: string): Promise<void> {
    try {
      await this.link(from, spareOf(from));
    } catch {
      // A removed project, a full disk, or the end of Skiff: the next start makes its own folder.
      this.#timers.delete(from);
      return;
    }
    // Unless it was forgotten meanwhile.
    if (!this.#timers.delete(from)) return;
    this.#spares.add(from);
    const [oldest] = this.#spares;
    if (this.#spares.size > MOST_SPARES && oldest !== undefined) await this.#dropSpare(oldest);
  }

  async #dropSpare(from: string): Promise<void> {
    this.#spares.delete(from);
    // What is left of it goes with its version.
    await rm(spareOf(from), { recursive: true, force: true }).catch(() => {});
  }

  #perform(work: ProjectWork): Promise<void> {
    const id = ++this.#ids;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, work } satisfies ProjectRequest);
    return waiting.promise;
  }

  #start(): Worker {
    // Options of the process, such as its input type, do not apply to this program.
    const worker = new Worker(new URL("project-thread.ts", import.meta.url), { execArgv: [] });
    worker.unref();
    worker.on("message", ({ id, error }: ProjectAnswer) => {
      const waiting = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error) waiting.reject(Object.assign(new Error(error.message), { code: error.code }));
      else waiting.resolve();
    });
    const ended = (error: Error) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on("error", ended);
    worker.on("exit", () => ended(new Error("the thread for the files of projects has ended")));
    return worker;
  }
}

/** False if the folder is gone, or on another file system. */
async function isRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (!["EXDEV", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return false;
  }
}

function spareOf(project: string): string {
  return `${project}.spare`;
}
