import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { StoredRepository as Row } from "../../../../store/git/repositories.ts";
import type { CommitId, RepositoryState } from "../../repository.ts";
import type { MaintainOptions, OpenRepository, RepositoryChange } from "../home.ts";
import { bytesOf, packsIn } from "../objects.ts";

/** What the home does to a repository. */
export interface StoredChanges {
  save(repository: StoredRepository, change: RepositoryChange): Promise<OpenRepository>;
  maintain(repository: StoredRepository, options: MaintainOptions): Promise<void>;
}

interface Parts {
  readonly name: string;
  readonly path: string;
  readonly state: RepositoryState;
  /** Undefined before the first save. */
  readonly row: Row | undefined;
  readonly head: CommitId | undefined;
  readonly change: StoredChanges;
}

/** A repository of the store, with a working copy on this disk. */
export class StoredRepository implements OpenRepository {
  readonly name: string;
  readonly path: string;
  readonly state: RepositoryState;
  readonly row: Row | undefined;
  readonly head?: CommitId;
  readonly updatedAt: Date;
  readonly #change: StoredChanges;

  constructor({ name, path, state, row, head, change }: Parts) {
    this.name = name;
    this.path = path;
    this.state = state;
    this.row = row;
    this.updatedAt = row?.updatedAt ?? new Date();
    if (head !== undefined) this.head = head;
    this.#change = change;
  }

  get keptRefs(): Row["refs"] | undefined {
    return this.row?.refs;
  }

  save(change: RepositoryChange): Promise<OpenRepository> {
    return this.#change.save(this, change);
  }

  maintain(options: MaintainOptions = {}): Promise<void> {
    return this.#change.maintain(this, options);
  }

  async bytes(): Promise<number> {
    return bytesOf(await packsIn(join(this.path, "objects")));
  }

  async release(): Promise<void> {
    // After its first save the folder has another name.
    if (this.row === undefined) await rm(this.path, { recursive: true, force: true });
  }
}
