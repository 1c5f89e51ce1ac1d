import type { PostgresLogs } from "./postgres-logs.ts";

const EVERY_MS = 60_000;

export interface LogSweeperOptions {
  readonly logs: Pick<PostgresLogs, "names" | "forget">;
  /** Whether there is such a function, as far as this program knows. */
  readonly exists: (name: string) => boolean;
  /** Logs one line. */
  readonly print: (line: string) => void;
}

/**
 * Removes the lines of functions that are gone, such as those that were removed with kubectl or while the store was away.
 * A function must be unknown twice in a row, because a new one may be known late.
 */
export class LogSweeper {
  readonly #options: LogSweeperOptions;
  readonly #timer: NodeJS.Timeout;
  #unknown: ReadonlySet<string> = new Set();
  #sweeping: Promise<void> | undefined;

  constructor(options: LogSweeperOptions) {
    this.#options = options;
    const { print } = options;
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.sweep()
        .catch((error: Error) => print(`log lines of removed functions stay for now: ${error.message}`))
        .finally(() => {
          this.#sweeping = undefined;
        });
    }, EVERY_MS);
    this.#timer.unref();
  }

  async sweep(): Promise<void> {
    const { logs, exists } = this.#options;
    const unknown = (await logs.names()).filter((name) => !exists(name));
    const gone = unknown.filter((name) => this.#unknown.has(name));
    for (const name of gone) await logs.forget(name);
    this.#unknown = new Set(unknown.filter((name) => !gone.includes(name)));
  }

  /** Waits for the sweep under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }
}
