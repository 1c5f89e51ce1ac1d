interface Entry<T> {
  readonly item: T;
  readonly enter: () => void;
}

/** A list of callers that wait to be admitted, in order of arrival unless one overtakes others. */
export class WaitingList<T> {
  readonly #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The item of the caller that `admit` admits next. */
  get first(): T | undefined {
    return this.#entries[0]?.item;
  }

  /** The items of all callers, in the order in which they are admitted. */
  *[Symbol.iterator](): Iterator<T> {
    for (const { item } of this.#entries) yield item;
  }

  /**
   * Resolves when the caller is admitted. The caller overtakes the items at the end for which `overtakes` is true.
   * @throws the signal's reason if it aborts before that
   */
  wait(item: T, signal?: AbortSignal, overtakes: (other: T) => boolean = () => false): Promise<void> {
    const entries = this.#entries;
    return new Promise((resolve, reject) => {
      const leave = () => {
        entries.splice(entries.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const entry = { item, enter };
      entries.splice(entries.findLastIndex((other) => !overtakes(other.item)) + 1, 0, entry);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** Admits the first caller. False if no caller waits. */
  admit(): boolean {
    const first = this.#entries.shift();
    first?.enter();
    return first !== undefined;
  }
}
