import type { RunningInstance } from "../instances/running-instance.ts";

export interface StartsOptions {
  /** Starts a process; `waits` for memory instead of being refused. */
  readonly start: (signal: AbortSignal, waits: boolean) => Promise<RunningInstance>;
  readonly started: (instance: RunningInstance) => void;
  readonly failed: (error: unknown, waits: boolean) => void;
  /** Ends an instance whose start was cancelled; resolves when it has ended. */
  readonly discard: (instance: RunningInstance) => Promise<void>;
}

/** Starts of instances until they have a process. */
export class Starts {
  readonly #options: StartsOptions;
  readonly #begun = new Set<Promise<void>>();
  #cancelling = new AbortController();
  #queued = 0;

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  /** Starts that have no process yet. */
  get queued(): number {
    return this.#queued;
  }

  /** True while a start is under way, or a cancelled one has not ended. */
  get some(): boolean {
    return this.#begun.size > 0;
  }

  begin(waits: boolean): void {
    const { start, started, failed, discard } = this.#options;
    const { signal } = this.#cancelling;
    this.#queued++;
    // It counts no more when it is cancelled.
    const leave = () => {
      signal.removeEventListener("abort", leave);
      this.#queued--;
    };
    signal.addEventListener("abort", leave);
    const begun = start(signal, waits)
      .finally(() => signal.aborted || leave())
      .then(
        (instance) => (signal.aborted ? discard(instance) : started(instance)),
        (error: unknown) => signal.aborted || failed(error, waits),
      )
      .then(() => void this.#begun.delete(begun));
    this.#begun.add(begun);
  }

  /** Takes back what is under way. */
  cancel(why: unknown): void {
    this.#cancelling.abort(why);
    this.#cancelling = new AbortController();
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#begun);
  }
}
