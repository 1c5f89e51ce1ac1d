export interface WorkQueueOptions {
  /** Reconciles one key. Returns the milliseconds until the next run, if one is needed. */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly onFailure: (key: string, error: unknown) => void;
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  /** Keys that run in parallel; default 8. */
  readonly atOnce?: number;
}

interface Entry {
  running: boolean;
  again: boolean;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/** Runs work by key, one run at a time for each key. Retries failures with exponential back-off. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: string[] = [];
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Number of keys that need work, now or later. */
  get size(): number {
    return this.#entries.size;
  }

  add(key: string): void {
    if (this.#closing.signal.aborted) return;
    const entry = this.#entries.get(key) ?? { running: false, again: false, failures: 0, timer: undefined };
    this.#entries.set(key, entry);
    if (entry.running) {
      entry.again = true;
      return;
    }
    // An event must not shorten the back-off after a failure.
    if (entry.timer !== undefined && entry.failures > 0) return;
    clearTimeout(entry.timer);
    entry.timer = undefined;
    if (!this.#ready.includes(key)) this.#ready.push(key);
    this.#next();
  }

  /** Aborts the running work. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    this.#ready.length = 0;
    await Promise.allSettled(this.#running);
  }

  #next(): void {
    while (this.#running.size < (this.#options.atOnce ?? 8)) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const running = this.#run(key, this.#entries.get(key)!);
      this.#running.add(running);
      void running.finally(() => {
        this.#running.delete(running);
        this.#next();
      });
    }
  }

  async #run(key: string, entry: Entry): Promise<void> {
    const { work, onFailure, firstPauseMs = 200, longestPauseMs = 30_000 } = this.#options;
    entry.running = true;
    entry.again = false;
    let pauseMs: number | undefined;
    try {
      pauseMs = await work(key, this.#closing.signal);
      entry.failures = 0;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** entry.failures++);
      onFailure(key, error);
    }
    entry.running = false;
    if (this.#closing.signal.aborted) return;
    if (entry.again && entry.failures === 0) return this.add(key);
    if (pauseMs === undefined) this.#entries.delete(key);
    else entry.timer = setTimeout(() => this.#due(key, entry), pauseMs);
  }

  #due(key: string, entry: Entry): void {
    entry.timer = undefined;
    this.#ready.push(key);
    this.#next();
  }
}
