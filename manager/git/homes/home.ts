import type { CommitId, RefUpdate, RepositoryState } from "../repository.ts";

/**
 * Keeps repositories: in a folder of this machine, or in the store with folders as caches. Callers change one repository
 * at a time; several managers may share what is kept.
 */
export interface Home {
  /** This manager, among those that may use it at once. */
  readonly manager: HomeManager;

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

  /**
   * Returns the repository of a function; undefined if it has none. Its own one and a group both have it when a manager was
   * killed while the function moved into the group: the group it is.
   */
  ownerOf(functionName: string): Promise<string | undefined>;

  /** Removes a repository. False if there was none. */
  remove(name: string): Promise<boolean>;

  close(): Promise<void>;
}

export interface HomeManager {
  /** Different from those of all other managers. */
  readonly name: string;
  /** Whether another manager may still be at work. */
  isRunning(name: string): Promise<boolean>;
}

/** The only manager that uses a home. */
export const ALONE: HomeManager = { name: "alone", isRunning: async () => false };

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

  /** Its refs, where they are kept apart from the folder. */
  readonly keptRefs?: Readonly<Record<string, CommitId>> | undefined;

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
   * Packs its objects again if they are in many files, and removes what killed programs left. In the turn of the repository.
   * An object that no ref leads to stays, unless the repository has more than half of `mostBytes`.
   */
  maintain(options?: MaintainOptions): Promise<void>;

  /** Ends the use of a repository from `create` that was not saved: removes its folder. Otherwise does nothing. */
  release(): Promise<void>;
}

export interface MaintainOptions {
  /** When the oldest request of git that is under way began, in milliseconds since 1970; absent if there is none. */
  readonly liveSince?: number | undefined;
  /**
   * Commits that requests which are under way may ask for, although no ref leads to them now. Undefined as long as they are
   * unknown: nothing is dropped.
   */
  readonly keep?: readonly CommitId[] | undefined;
  /** Most bytes of a repository. Absent: nothing is dropped. */
  readonly mostBytes?: number;
}

export interface RepositoryChange {
  readonly state: RepositoryState;
  /** The folder with new objects, such as the quarantine of a push. Objects in the repository itself are always kept. */
  readonly objects?: string | undefined;
  /**
   * Refs to set. The folder's own refs are moved to `to` as well, unless `byGit`: then `receive-pack` moves them, and only
   * what is kept elsewhere is moved here.
   */
  readonly refs?: readonly RefUpdate[];
  readonly byGit?: boolean;
}
