import { type Bounds, LogLines } from "./log-lines.ts";
import type { LogLine, LogOptions } from "./platform.ts";

const KEPT: Bounds = { lines: 500, characters: 1024 ** 2 };
/** A reader that falls this far behind loses the oldest lines, so that it cannot fill the memory. */
const BEHIND: Bounds = { lines: 10_000, characters: 4 * 1024 ** 2 };

/** The last lines that a function printed, and a way to follow new ones. */
export class LogBuffer {
  readonly #lines = new LogLines(KEPT);
  readonly #followers = new Set<(line: LogLine) => void>();
  readonly #closing = new AbortController();

  push(line: LogLine): void {
    this.#lines.push(line);
    for (const follower of this.#followers) follower(line);
  }

  tail(count: number): readonly LogLine[] {
    return this.#lines.last(count);
  }

  /** Nothing will be pushed any more: who follows has seen the last line. */
  close(): void {
    this.#closing.abort();
  }

  async *read({ tail, follow, signal }: LogOptions): AsyncGenerator<LogLine> {
    const closing = this.#closing.signal;
    const queue = new LogLines(BEHIND);
    for (const line of this.tail(tail)) queue.push(line);
    let wake: () => void = () => {};
    const follower = (line: LogLine) => {
      queue.push(line);
      wake();
    };
    const ended = () => wake();
    if (follow) this.#followers.add(follower);
    signal?.addEventListener("abort", ended);
    closing.addEventListener("abort", ended);
    try {
      while (!signal?.aborted) {
        const line = queue.shift();
        if (line) {
          yield line;
          continue;
        }
        if (!follow || closing.aborted) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#followers.delete(follower);
      signal?.removeEventListener("abort", ended);
      closing.removeEventListener("abort", ended);
    }
  }
}
