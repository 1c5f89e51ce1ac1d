import type { RunningInstance } from "../instances/running-instance.ts";

/** Starts of one function's instances that have no process yet, or one that nobody wants any more. */
export class Starts {
  readonly #begun = new Set<Promise<void>>();
  #queued = 0;

  /** Those that wait for their turn and have no process yet. */
  get queued(): number {
    return this.#queued;
  }

  /** Begins one; `then` is told the process, and decides what becomes of it, or why there is none. */
  begin(
    start: Promise<RunningInstance>,
    then: {
      readonly started: (instance: RunningInstance) => Promise<void> | void;
      readonly failed: (error: unknown) => void;
    },
  ): void {
    this.#queued++;
    const begun = start
      .finally(() => this.#queued--)
      .then(then.started, then.failed)
      .finally(() => this.#begun.delete(begun));
    this.#begun.add(begun);
  }

  /** Resolves when nothing is begun any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#begun);
  }
}
