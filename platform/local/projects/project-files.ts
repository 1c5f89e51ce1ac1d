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
  /** Path of the main module of an unpacked project. */
  readonly entry?: string;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

/** Makes the folders of projects, in a thread that starts with the first one. */
export class ProjectFiles {
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  #worker: Worker | undefined;
  #ids = 0;

  /**
   * Unpacks a project into a folder that does not exist. Returns the path of its main module.
   * @throws Error if it is damaged, or of the file system
   */
  unpack(packed: Uint8Array, to: string): Promise<string> {
    return this.#perform({ packed, to });
  }

  /** Makes a folder with links to all files of another one. @throws Error of the file system */
  async link(from: string, to: string): Promise<void> {
    await this.#perform({ from, to });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #perform(work: ProjectWork): Promise<string> {
    const id = ++this.#ids;
    const waiting = Promise.withResolvers<string>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, work } satisfies ProjectRequest);
    return waiting.promise;
  }

  #start(): Worker {
    // Options of the process, such as its input type, do not apply to this program.
    const worker = new Worker(new URL("project-thread.ts", import.meta.url), { execArgv: [] });
    worker.unref();
    worker.on("message", ({ id, entry = "", error }: ProjectAnswer) => {
      const waiting = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error) waiting.reject(Object.assign(new Error(error.message), { code: error.code }));
      else waiting.resolve(entry);
    });
    const ended = (error: Error) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on("error", ended);
    worker.on("exit", () => ended(new Error("the thread for the files of projects has ended")));
    return worker;
  }
}
