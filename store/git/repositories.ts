/** Git repositories, for installations whose managers share no disk. Writes are durable when they resolve. */
export interface Repositories {
  /** Undefined if there is none. */
  get(name: string): Promise<StoredRepository | undefined>;

  /** In order of name, after the name `after`, at most `limit` of them. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly StoredRepository[]>;

  /** The name of the repository that has the function among its `functions`. */
  ownerOf(functionName: string): Promise<string | undefined>;

  /**
   * Stores a pack as it comes, unless the repository has it. Removed after a day if no `save` names it by then. One part is
   * in memory at a time.
   * @throws whatever `parts` throws; nothing is kept then
   */
  addPack(repository: string, pack: NewPack): Promise<void>;

  /** The bytes of a pack. @throws Error if it is gone */
  readPack(repository: string, id: string): AsyncIterable<Uint8Array>;

  /**
   * Replaces a repository, or creates it.
   * @param revision what it must have; undefined if it must not exist
   * @returns its new revision; undefined if it has another one, and then nothing was changed
   */
  save(
    repository: Omit<StoredRepository, "revision">,
    revision: number | undefined,
  ): Promise<number | undefined>;

  /** Removes a repository with its packs. False if there was none. */
  remove(name: string): Promise<boolean>;
}

export interface StoredRepository {
  readonly name: string;
  /** Larger after each change, and never used twice. */
  readonly revision: number;
  /** Ids by the full name of their ref. */
  readonly refs: Readonly<Record<string, string>>;
  /** Its packs. A `save` removes those that it had before, besides these. */
  readonly packs: readonly StoredPack[];
  /** Names of its functions. */
  readonly functions: readonly string[];
  /** A JSON object, whose members the store does not know. */
  readonly state: object;
  readonly updatedAt: Date;
}

export interface StoredPack {
  /** The 40 digits in the name of its file. */
  readonly id: string;
  readonly bytes: number;
}

export interface NewPack {
  readonly id: string;
  readonly parts: AsyncIterable<Uint8Array>;
}
