import { Worker } from "node:worker_threads";
import { receiveError, type ThreadAnswer, type ThreadRequest } from "./thread-messages.ts";

export interface DatabaseThreadOptions {
  /** The program of the thread, which gets `file` as its data. */
  readonly program: URL;
  readonly file: string;
  /** Names it in the error of requests after its end, such as `the store`. */
  readonly what: string;
}

/** The client of a thread that owns a SQLite file, because a commit waits for the disk. */
export class DatabaseThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #ids = 0;
  /** The error for every later request. */
  #ended: Error | undefined;

  private constructor({ program, file, what }: DatabaseThreadOptions) {
    // Options of the process, such as its input type, do not apply to this program.
    this.#worker = new Worker(program, { workerData: file, execArgv: [] });
    this.#worker.on("message", (answer: ThreadAnswer) => this.#answered(answer));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error(`${what} is closed`)));
  }

  /** @throws the error of the thread's `open`; the thread has ended then */
  static async open(options: DatabaseThreadOptions): Promise<DatabaseThread> {
    const thread = new DatabaseThread(options);
    try {
      await thread.ask("open", []);
      return thread;
    } catch (error) {
      await thread.#worker.terminate();
      throw error;
    }
  }

  /** Requests without an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  ask(method: string, args: readonly unknown[], transfer: ArrayBuffer[] = []): Promise<unknown> {
    const asked = Promise.withResolvers<unknown>();
    if (this.#ended) asked.reject(this.#ended);
    else {
      const id = ++this.#ids;
      this.#waiting.set(id, asked);
      this.#worker.postMessage({ id, method, args } satisfies ThreadRequest, transfer);
    }
    return asked.promise;
  }

  /** Waits for earlier requests. */
  async close(): Promise<void> {
    try {
      await this.ask("close", []);
    } finally {
      await this.#worker.terminate();
    }
  }

  #answered(answer: ThreadAnswer): void {
    const asked = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) asked?.reject(receiveError(answer.error));
    else asked?.resolve(answer.result);
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
