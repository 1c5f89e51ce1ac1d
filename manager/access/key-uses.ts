/** When each key was used last, as far as this process knows. At most one entry for each key. */
export class KeyUses {
  readonly #times = new Map<string, Date>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly used = (id: string): void => {
    this.#times.set(id, new Date(this.#now()));
  };

  /** Returns the later time of this process and of the store. */
  of(id: string, stored?: ReadonlyMap<string, Date>): Date | undefined {
    const [mine, theirs] = [this.#times.get(id), stored?.get(id)];
    return mine === undefined || (theirs !== undefined && theirs > mine) ? theirs : mine;
  }

  forget(id: string): void {
    this.#times.delete(id);
  }
}
