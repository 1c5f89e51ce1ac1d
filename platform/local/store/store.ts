import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { FunctionRecord, VersionRecord, WholeVersion } from "./store-database.ts";
import {
  receiveError,
  type StoreAnswer,
  type StoreMethod,
  type StoreRequest,
  type StoreResult,
} from "./store-messages.ts";

export type { FunctionRecord, VersionRecord } from "./store-database.ts";

/** As much as is copied without a pause: a millisecond or two. */
const COPIED_AT_ONCE = 4 * 1024 ** 2;

/**
 * Functions and their versions on the disk, kept by a thread that owns the file: versions are up to a hundred
 * MiB, and a commit waits for the disk. What is asked for is done in order, one at a time.
 */
export class Store {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #ids = 0;
  /** Why nothing can be asked for any more. */
  #ended: Error | undefined;

  private constructor(file: string) {
    // Options of the process, such as its input type, are not about this program.
    this.#worker = new Worker(new URL("store-thread.ts", import.meta.url), {
      workerData: file,
      execArgv: [],
    });
    this.#worker.on("message", (answer: StoreAnswer) => this.#answered(answer));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the store is closed")));
  }

  /**
   * Locks the file and writes nothing into one that is there.
   * @throws Error if another process has the data folder, or a newer Skiff wrote it
   */
  static async open(file: string): Promise<Store> {
    const store = new Store(file);
    try {
      await store.#request("open", []);
      return store;
    } catch (error) {
      await store.#worker.terminate();
      throw error;
    }
  }

  /** Makes what a new database needs; comes before everything else. */
  prepare(): Promise<void> {
    return this.#ask("prepare", []);
  }

  functions(): Promise<FunctionRecord[]> {
    return this.#ask("functions", []);
  }

  versions(name: string): Promise<VersionRecord[]> {
    return this.#ask("versions", [name]);
  }

  read(name: string, version: number): Promise<WholeVersion | undefined> {
    return this.#ask("read", [name, version]);
  }

  /**
   * Makes `version` the current one and removes all but the newest `keep`. Durable when it resolves.
   * @returns why something removed can still be read in the file, in words; undefined if nothing can
   */
  async publish(version: WholeVersion, keep: number): Promise<string | undefined> {
    const bytes = await copied(version.source.bytes);
    const code = await copied(version.bundle.code);
    const sent = { ...version, source: { ...version.source, bytes }, bundle: { code } };
    return await this.#ask("publish", [sent, keep], [bytes.buffer, code.buffer]);
  }

  /** Removes a function with all its versions; as `publish`. */
  remove(name: string): Promise<string | undefined> {
    return this.#ask("remove", [name]);
  }

  /** Waits for what was asked for before. */
  async close(): Promise<void> {
    try {
      await this.#ask("close", []);
    } finally {
      await this.#worker.terminate();
    }
  }

  #ask<M extends StoreMethod>(method: M, args: readonly unknown[], transfer: ArrayBuffer[] = []) {
    return this.#request(method, args, transfer) as Promise<StoreResult<M>>;
  }

  #request(method: StoreRequest["method"], args: readonly unknown[], transfer: ArrayBuffer[] = []) {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#ids;
    const asked = Promise.withResolvers<unknown>();
    this.#waiting.set(id, asked);
    this.#worker.postMessage({ id, method, args } satisfies StoreRequest, transfer);
    return asked.promise;
  }

  #answered(answer: StoreAnswer): void {
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

/** A copy to give away: whoever publishes keeps what is theirs. */
async function copied(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += COPIED_AT_ONCE) {
    if (at > 0) await setImmediate();
    copy.set(bytes.subarray(at, at + COPIED_AT_ONCE), at);
  }
  return copy;
}
