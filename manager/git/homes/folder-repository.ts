import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId, RepositoryState } from "../repository.ts";
import type { MaintainOptions, OpenRepository, RepositoryChange } from "./home.ts";
import { bytesOf, packsIn } from "./objects.ts";
import type { KeptState } from "./state-file.ts";

/** What the home does to a repository. */
export interface FolderChanges {
  save(repository: FolderRepository, change: RepositoryChange): Promise<OpenRepository>;
  maintain(repository: FolderRepository, options: MaintainOptions): Promise<void>;
}

interface Parts {
  readonly name: string;
  readonly path: string;
  readonly kept: KeptState;
  readonly head: CommitId | undefined;
  readonly change: FolderChanges;
}

/** A repository in a folder of its own. */
export class FolderRepository implements OpenRepository {
  readonly name: string;
  readonly path: string;
  readonly state: RepositoryState;
  readonly head?: CommitId;
  readonly updatedAt: Date;
  /** 0 before the first save. */
  readonly revision: number;
  readonly #change: FolderChanges;

  constructor({ name, path, kept, head, change }: Parts) {
    this.name = name;
    this.path = path;
    this.state = kept.state;
    this.updatedAt = kept.updatedAt;
    this.revision = kept.revision;
    if (head !== undefined) this.head = head;
    this.#change = change;
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
    if (this.revision === 0) await rm(this.path, { recursive: true, force: true });
  }
}
