/** Runs so many tasks at a time, in the order in which they came. */
export class CallSlots {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Begins the task at once if there is room. The task must not reject. */
  run(task: () => Promise<void>): void {
    const begin = () => {
      this.#running++;
      void task().finally(() => {
        this.#running--;
        this.#waiting.shift()?.();
      });
    };
    if (this.#running < this.#most) begin();
    else this.#waiting.push(begin);
  }
}
