import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { StoredRepository as Row } from "../../../../store/git/repositories.ts";
import {
  findRepositories,
  newRepositoryPath,
  repositoryPath,
  setAside,
} from "../files/repository-folders.ts";
import { removeLeftovers } from "../maintain.ts";
import { bytesOf, packsIn } from "../objects.ts";
import { Copies, type CopiesOptions } from "./copies.ts";
import { hasRefs, type RefreshMeans, refreshCopy } from "./refresh-copy.ts";

export interface WorkingCopiesOptions extends RefreshMeans, CopiesOptions {
  /** Made when it is needed, and of this process alone. */
  readonly folder: string;
}

/** The working copies of repositories in a folder. Callers change the copy of a name one at a time. */
export class WorkingCopies {
  readonly #options: WorkingCopiesOptions;
  readonly #copies: Copies;
  #loaded: Promise<void> | undefined;

  constructor(options: WorkingCopiesOptions) {
    this.#options = options;
    this.#copies = new Copies(options);
  }

  /** Finds what an earlier process left. */
  load(): Promise<void> {
    this.#loaded ??= this.#find().catch((error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  pathOf(name: string): string {
    return repositoryPath(this.#options.folder, name);
  }

  /** Returns a folder that is removed at the next start. */
  newPath(): string {
    return newRepositoryPath(this.#options.folder);
  }

  /**
   * Makes the copy of a repository what its row says.
   * @param branch the branch that deploys
   */
  async bring(row: Row, branch: string): Promise<void> {
    const { name, revision, refs } = row;
    const copy = this.#copies.get(name);
    if (copy?.revision === revision) {
      const byGitAt = copy.byGitAt && !(await hasRefs(this.pathOf(name), refs)) ? copy.byGitAt : undefined;
      // Git may be about to move the refs of a push. If it does not, they are set here.
      if (byGitAt === undefined || byGitAt > performance.now() - this.#options.useMs)
        return this.keep(row, byGitAt);
    }
    await this.refresh(row, branch);
  }

  /** Makes the copy what its row says, whatever it was. */
  async refresh(row: Row, branch: string): Promise<void> {
    // If this fails, what it is then is unknown.
    this.#copies.delete(row.name);
    await refreshCopy(this.pathOf(row.name), { row, branch }, this.#options);
    this.keep(row);
  }

  /**
   * Records that the copy matches its row.
   * @param byGitAt when the row got refs that git moves in the copy
   */
  keep({ name, revision, packs }: Row, byGitAt?: number): void {
    this.#copies.set(name, { revision, bytes: bytesOf(packs), usedAt: performance.now(), byGitAt });
  }

  /** Records that the content of the copy is unknown. */
  forget(name: string): void {
    this.#copies.delete(name);
  }

  async remove(name: string): Promise<void> {
    this.#copies.delete(name);
    const gone = await setAside(this.#options.folder, name);
    if (gone !== undefined) await rm(gone, { recursive: true, force: true });
  }

  /** Returns the name of a copy that should go because all are too large; undefined if none should. */
  surplus(): string | undefined {
    return this.#copies.surplus(performance.now());
  }

  /** Their packs save a download. Their refs are unknown, because the process may have been killed. */
  async #find(): Promise<void> {
    for (const name of await findRepositories(this.#options.folder)) {
      const path = this.pathOf(name);
      await removeLeftovers(path, { isStart: true });
      const bytes = bytesOf(await packsIn(join(path, "objects")));
      this.#copies.set(name, { revision: undefined, bytes, usedAt: Number.NEGATIVE_INFINITY });
    }
  }
}
