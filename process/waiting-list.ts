interface Waiter<T> {
  readonly value: T;
  readonly enter: () => void;
}

/** Work that waits for its turn, each until its signal aborts. Iterates over the values, the next one first. */
export class WaitingList<T> {
  #waiting: Waiter<T>[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#waiting.map(({ value }) => value).values();
  }

  /** Resolves when `admit` reaches it. @throws the signal's reason */
  wait(value: T, signal: AbortSignal | undefined, position = this.size): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const waiter: Waiter<T> = { value, enter };
      this.#waiting.splice(position, 0, waiter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** Lets the first one in; false if none waits. */
  admit(): boolean {
    const waiter = this.#waiting.shift();
    waiter?.enter();
    return waiter !== undefined;
  }
}
