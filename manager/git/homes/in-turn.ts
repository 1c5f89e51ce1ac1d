/** Runs pieces of work with the same name one after another, in order of arrival. */
export class InTurn {
  readonly #last = new Map<string, Promise<void>>();

  /** @throws the error of `work` */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(name, promise);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(name) === promise) this.#last.delete(name);
      resolve();
    }
  }
}
