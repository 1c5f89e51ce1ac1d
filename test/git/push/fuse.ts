/** Stops a program at one of the steps that change something, as a kill does: that step and all later ones never end. */
export class Fuse {
  /** Resolves when it has stopped. */
  readonly stopped: Promise<void>;
  /** Steps that were begun. */
  count = 0;
  readonly #at: number;
  readonly #isAfter: boolean;
  readonly #stop: () => void;
  #isBurnt = false;

  /**
   * @param at the number of the step, from 1
   * @param isAfter whether that step happens
   */
  constructor(at: number, isAfter: boolean) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.#stop = resolve;
    this.#at = at;
    this.#isAfter = isAfter;
  }

  /** Returns an object whose methods of these names are steps, and what `wrap` makes of their results. */
  around<T extends object>(target: T, methods: readonly string[], wrap = (result: unknown) => result): T {
    return new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        const run = (...args: unknown[]) => Reflect.apply(value, target, args);
        if (!methods.includes(String(key))) return run;
        return (...args: unknown[]) => this.step(async () => wrap(await run(...args)));
      },
    });
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBurnt) return await never();
    const isLast = ++this.count === this.#at;
    if (!isLast) return await work();
    this.#isBurnt = true;
    try {
      if (this.#isAfter) await work();
    } finally {
      this.#stop();
    }
    return await never();
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
