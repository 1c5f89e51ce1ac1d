import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { DeclarationPage } from "../../declarations.ts";
import type { Artifact, Source, Traffic, VersionRecord } from "../../platform.ts";
import type { DeclarationChange, DeclarationResult, DeclarationRow } from "./declaration-rows.ts";
import type { FunctionRecord, NewVersion } from "./store-database.ts";
import {
  receiveError,
  type StoreAnswer,
  type StoreMethod,
  type StoreRequest,
  type StoreResult,
} from "./store-messages.ts";

/** As much as is copied without a pause: a millisecond or two. */
const COPIED_AT_ONCE = 4 * 1024 ** 2;

export interface AddOptions {
  /** Versions to remove, asked for when nothing can come in between any more. */
  readonly forget: () => readonly number[];
  readonly signal: AbortSignal;
}

/**
 * Functions, their versions, and declarations on the disk, kept by a thread that owns the file: versions are up to a
 * hundred MiB, and a commit waits for the disk. What is asked for is done in order, one at a time.
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

  /** Brings the database to the present schema; comes before everything else. */
  prepare(): Promise<void> {
    return this.#ask("prepare", []);
  }

  /** In order of name. */
  functions(): Promise<FunctionRecord[]> {
    return this.#ask("functions", []);
  }

  /** Oldest first. */
  versions(name: string): Promise<VersionRecord[]> {
    return this.#ask("versions", [name]);
  }

  version(name: string, version: number): Promise<VersionRecord | undefined> {
    return this.#ask("version", [name, version]);
  }

  source(name: string, version: number): Promise<Source | undefined> {
    return this.#ask("source", [name, version]);
  }

  bundle(name: string, version: number): Promise<Artifact | undefined> {
    return this.#ask("bundle", [name, version]);
  }

  /**
   * Stores a version that takes no calls, and removes the versions of `forget`. Durable when it resolves.
   * @returns why something removed can still be read in the file, in words; undefined if nothing can
   * @throws the signal's reason if it is aborted before the database is asked; nothing is changed then
   */
  async add({ content, ...record }: NewVersion, { forget, signal }: AddOptions): Promise<string | undefined> {
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

  /** Makes `traffic` that of the function, and removes the versions `forget`; as `add`. */
  route(name: string, traffic: Traffic, forget: readonly number[]): Promise<string | undefined> {
    return this.#ask("route", [name, traffic, forget]);
  }

  /** Removes a function with all its versions; as `add`. */
  remove(name: string): Promise<string | undefined> {
    return this.#ask("remove", [name]);
  }

  declaration(kind: string, name: string): Promise<DeclarationRow | undefined> {
    return this.#ask("declaration", [kind, name]);
  }

  /** In order of name, after the name `after`; all of them without a limit. */
  declarations(kind: string, page: Partial<DeclarationPage> = {}): Promise<DeclarationRow[]> {
    return this.#ask("declarations", [kind, page]);
  }

  /** Puts or removes a declaration. Durable when it resolves. */
  declare(change: DeclarationChange): Promise<DeclarationResult> {
    return this.#ask("declare", [change]);
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

/** A copy to give away: the caller keeps its own. */
async function copied(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += COPIED_AT_ONCE) {
    if (at > 0) await setImmediate();
    copy.set(bytes.subarray(at, at + COPIED_AT_ONCE), at);
  }
  return copy;
}
