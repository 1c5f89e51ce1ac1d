import { randomUUID } from "node:crypto";
import type { NewPack, Repositories, StoredRepository } from "../git/repositories.ts";
import type { RunWork } from "../sql/works.ts";
import { megabytes } from "./megabytes.ts";

/** Git repositories in rows, with packs in rows of a megabyte. */
export class PostgresRepositories implements Repositories {
  readonly #run: RunWork;

  constructor(run: RunWork) {
    this.#run = run;
  }

  get(name: string): Promise<StoredRepository | undefined> {
    return this.#run("getRepository", name);
  }

  list({ after = "", limit }: { readonly after?: string; readonly limit: number }) {
    return this.#run("listRepositories", after, limit);
  }

  ownerOf(functionName: string): Promise<string | undefined> {
    return this.#run("ownerOfFunction", functionName);
  }

  async addPack(repository: string, { id, parts }: NewPack): Promise<void> {
    if (await this.#run("touchPack", repository, id, new Date())) return;
    const upload = { upload: randomUUID(), repository, id };
    let [part, bytes] = [0, 0];
    try {
      for await (const each of megabytes(parts)) {
        await this.#run("addPackPart", upload, { part: part++, bytes: each, now: new Date() });
        bytes += each.byteLength;
      }
      await this.#run("completePack", upload.upload, { bytes, parts: part, now: new Date() });
    } catch (error) {
      // If the store is away, its parts are removed after a day.
      if (part > 0) await this.#run("removeUpload", upload.upload).catch(() => {});
      throw error;
    }
  }

  async *readPack(repository: string, id: string): AsyncGenerator<Uint8Array> {
    const found = await this.#run("findPack", repository, id);
    if (found === undefined) throw new Error(`the pack ${id} of the repository ${repository} is gone`);
    for (let at = 0; at < found.bytes; ) {
      const some = await this.#run("packBytes", found.upload, at);
      if (some === undefined) throw new Error(`byte ${at} of the pack ${id} of ${repository} is gone`);
      yield some;
      at += some.byteLength;
    }
  }

  save(repository: Omit<StoredRepository, "revision">, revision: number | undefined) {
    return this.#run("saveRepository", repository, revision);
  }

  remove(name: string): Promise<boolean> {
    return this.#run("removeRepository", name);
  }

  /** Removes a batch of packs that nothing names. Returns whether more may be left. */
  async removeOld(now: Date): Promise<boolean> {
    return (await this.#run("removeUnusedPacks", now)) > 0;
  }
}
