import { setImmediate } from "node:timers/promises";
import { DatabaseThread } from "../../sqlite/database-thread.ts";
import type { StoreDatabase } from "./store-database.ts";
import type { NewVersion } from "./version-rows.ts";

export type StoreMethod = Exclude<keyof StoreDatabase, symbol>;

/** Bytes copied without a pause, in a millisecond or two. */
const COPIED_AT_ONCE = 4 * 1024 ** 2;

/**
 * Functions, their versions, secrets and declarations on the disk. A thread owns the file, because versions have up to a hundred MiB
 * and a commit waits for the disk. It serves requests one at a time, in order. StoreDatabase documents the methods.
 */
export class Store {
  readonly #thread: DatabaseThread;
  readonly prepare = this.#method("prepare");
  readonly functions = this.#method("functions");
  readonly versions = this.#method("versions");
  readonly version = this.#method("version");
  readonly source = this.#method("source");
  readonly bundle = this.#method("bundle");
  readonly route = this.#method("route");
  readonly pin = this.#method("pin");
  readonly remove = this.#method("remove");
  readonly declaration = this.#method("declaration");
  readonly declarations = this.#method("declarations");
  readonly declare = this.#method("declare");
  readonly secret = this.#method("secret");
  readonly hasSecrets = this.#method("hasSecrets");
  readonly secretSummaries = this.#method("secretSummaries");
  readonly secretUsers = this.#method("secretUsers");
  readonly addSecret = this.#method("addSecret");
  readonly removeSecret = this.#method("removeSecret");
  readonly sweepSecrets = this.#method("sweepSecrets");

  private constructor(thread: DatabaseThread) {
    this.#thread = thread;
  }

  /** @throws Error if another process has the data folder, or a newer Skiff wrote it */
  static async open(file: string): Promise<Store> {
    const program = new URL("store-thread.ts", import.meta.url);
    return new Store(await DatabaseThread.open({ program, file, what: "the store" }));
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
  close(): Promise<void> {
    return this.#thread.close();
  }

  #method<M extends StoreMethod>(method: M) {
    return (...args: Parameters<StoreDatabase[M]>) => this.#ask(method, args);
  }

  #ask<M extends StoreMethod>(method: M, args: readonly unknown[], transfer: ArrayBuffer[] = []) {
    return this.#thread.ask(method, args, transfer) as Promise<ReturnType<StoreDatabase[M]>>;
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
