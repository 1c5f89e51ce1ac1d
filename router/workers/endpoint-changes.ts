/** Time after which somebody is told that all have caught up although one has not said so, in milliseconds. */
const CAUGHT_UP_MS = 3_000;

interface Waiter {
  readonly change: number;
  readonly resolve: () => void;
}

/** Changes of endpoints by number, and who waits until every router goes by them. */
export class EndpointChanges {
  readonly #isApplied: (change: number) => boolean;
  /** The last change of each function that was not applied everywhere when somebody looked last. */
  readonly #byName = new Map<string, number>();
  #last = 0;
  #waiters: Waiter[] = [];

  /** @param isApplied true if every router goes by the change, and so by all before it */
  constructor(isApplied: (change: number) => boolean) {
    this.#isApplied = isApplied;
  }

  get last(): number {
    return this.#last;
  }

  /** Numbers a change. */
  add(name: string): number {
    this.#byName.set(name, ++this.#last);
    return this.#last;
  }

  /** Resolves when all changes until now are applied, or after a deadline: a router that hangs is ended soon. */
  caughtUp(): Promise<void> {
    const change = this.#last;
    if (this.#isApplied(change)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end((waiter) => waiter === mine), CAUGHT_UP_MS);
      const mine: Waiter = {
        change,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#waiters.push(mine);
    });
  }

  hasCaughtUp(name: string): boolean {
    return this.#isApplied(this.#byName.get(name) ?? 0);
  }

  /** A router has applied changes, or is no more. */
  check(): void {
    if (this.#isApplied(this.#last)) this.#byName.clear();
    this.#end(({ change }) => this.#isApplied(change));
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#end(() => true);
  }

  #end(isOver: (waiter: Waiter) => boolean): void {
    const over = this.#waiters.filter(isOver);
    this.#waiters = this.#waiters.filter((waiter) => !over.includes(waiter));
    for (const { resolve } of over) resolve();
  }
}
