import type { CommitId, RefUpdate, RepositoryState } from "../repository.ts";

/**
 * Keeps repositories: in a folder of this machine, or in the store with folders as caches. Callers change one repository
 * at a time; several managers may share what is kept.
 */
export interface Home {
  /** Whether several managers may use it at once. */
  readonly isShared: boolean;

  /**
   * Returns a repository, up to date with what is kept; undefined if there is none.
   * @throws Problem `store_unavailable`, `storage_full`
   */
  open(name: string): Promise<OpenRepository | undefined>;

  /** Returns an empty repository that is not kept before its first `save`. It becomes that of the name then. */
  create(name: string, state: RepositoryState): Promise<OpenRepository>;

  /** In order of name, after the name `after`, at most `limit` of them. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly KeptRepository[]>;

  /** Returns what is kept of a repository besides its objects; undefined if there is none. Quick. */
  find(name: string): Promise<KeptRepository | undefined>;

  /** Returns the repository of a function; undefined if it has none. */
  ownerOf(functionName: string): Promise<string | undefined>;

  /** Removes a repository. False if there was none. */
  remove(name: string): Promise<boolean>;

  close(): Promise<void>;
}

export interface KeptRepository {
  readonly name: string;
  readonly state: RepositoryState;
  /** The tip of the branch that deploys; absent if it has no commit. */
  readonly head?: CommitId;
  readonly updatedAt: Date;
}

/** A bare repository on this disk. Its refs may be read by anybody, and are changed through `save` or by `receive-pack`. */
export interface OpenRepository extends KeptRepository {
  /** Absolute path of the folder, which git takes as `GIT_DIR`. */
  readonly path: string;

  /**
   * Keeps objects, refs and state. Durable when it resolves.
   * @returns the repository as it is then
   * @throws Problem `repository_conflict` if another manager changed it since it was opened, and changes nothing then;
   * `store_unavailable`, `storage_full`
   */
  save(change: RepositoryChange): Promise<OpenRepository>;

  /** Bytes of its packs. */
  bytes(): Promise<number>;

  /**
   * Packs its objects again if they are in many files, and removes what killed programs left. Nobody may push meanwhile.
   * An object that no ref leads to stays.
   */
  maintain(): Promise<void>;

  /** Ends the use of a repository from `create` that was not saved: removes its folder. Otherwise does nothing. */
  release(): Promise<void>;
}

export interface RepositoryChange {
  readonly state: RepositoryState;
  /** The folder with new objects, such as the quarantine of a push. Objects in the repository itself are always kept. */
  readonly objects?: string;
  /**
   * Refs to set. The folder's own refs are moved to `to` as well, unless `byGit`: then `receive-pack` moves them, and only
   * what is kept elsewhere is moved here.
   */
  readonly refs?: readonly RefUpdate[];
  readonly byGit?: boolean;
}
