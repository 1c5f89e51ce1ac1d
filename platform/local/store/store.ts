import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { NewVersion, StoreDatabase } from "./store-database.ts";
import { receiveError, type StoreAnswer, type StoreMethod, type StoreRequest } from "./store-messages.ts";

/** Bytes copied without a pause, in a millisecond or two. */
const COPIED_AT_ONCE = 4 * 1024 ** 2;

/**
 * Functions, their versions, and declarations on the disk. A thread owns the file, because versions have up to a hundred MiB
 * and a commit waits for the disk. It serves requests one at a time, in order. StoreDatabase documents the methods.
 */
export class Store {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #ids = 0;
  /** The error for every later request. */
  #ended: Error | undefined;
  readonly prepare = this.#method("prepare");
  readonly functions = this.#method("functions");
  readonly versions = this.#method("versions");
  readonly version = this.#method("version");
  readonly source = this.#method("source");
  readonly bundle = this.#method("bundle");
  readonly route = this.#method("route");
  readonly remove = this.#method("remove");
  readonly declaration = this.#method("declaration");
  readonly declarations = this.#method("declarations");
  readonly declare = this.#method("declare");

  private constructor(file: string) {
    // Options of the process, such as its input type, do not apply to this program.
    this.#worker = new Worker(new URL("store-thread.ts", import.meta.url), {
      workerData: file,
      execArgv: [],
    });
    this.#worker.on("message", (answer: StoreAnswer) => this.#answered(answer));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the store is closed")));
  }

  /** @throws Error if another process has the data folder, or a newer Skiff wrote it */
  static async open(file: string): Promise<Store> {
    const store = new Store(file);
    try {
      await store.#ask("open", []);
      return store;
    } catch (error) {
      await store.#worker.terminate();
      throw error;
    }
  }

  /**
   * @param forget returns the versions to remove; called in the same turn as the request to the database
   * @throws the signal's reason if it aborts before that request; nothing is changed then
   */
  async add({ content, ...record }: NewVersion, signal: AbortSignal, forget: () => readonly number[]) {
    if ("sameAs" in content) {
      signal.throwIfAborted();
      return await this.#ask("add", [{ ...record, content }, forget()]);
    }
    const bytes = await copied(content.source.bytes);
    const code = await copied(content.artifact.code);
    const copy = { source: { type: content.source.type, bytes }, artifact: { ...content.artifact, code } };
    signal.throwIfAborted();
    return await this.#ask("add", [{ ...record, content: copy }, forget()], [bytes.buffer, code.buffer]);
  }

  /** Waits for earlier requests. */
  async close(): Promise<void> {
    try {
      await this.#ask("close", []);
    } finally {
      await this.#worker.terminate();
    }
  }

  #method<M extends StoreMethod>(method: M) {
    return (...args: Parameters<StoreDatabase[M]>) => this.#ask(method, args);
  }

  #ask<M extends StoreMethod>(method: M | "open", args: readonly unknown[], transfer: ArrayBuffer[] = []) {
    const asked = Promise.withResolvers<unknown>();
    if (this.#ended) asked.reject(this.#ended);
    else {
      const id = ++this.#ids;
      this.#waiting.set(id, asked);
      this.#worker.postMessage({ id, method, args } satisfies StoreRequest, transfer);
    }
    return asked.promise as Promise<ReturnType<StoreDatabase[M]>>;
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

/** Copies bytes for a transfer to the thread; the caller keeps its own. */
async function copied(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += COPIED_AT_ONCE) {
    if (at > 0) await setImmediate();
    copy.set(bytes.subarray(at, at + COPIED_AT_ONCE), at);
  }
  return copy;
}
