import type { LogLine, LogOptions } from "./platform.ts";

interface Bounds {
  readonly lines: number;
  /** Sum over all texts. */
  readonly characters: number;
}

const KEPT: Bounds = { lines: 500, characters: 1024 ** 2 };
/** A reader that falls this far behind loses the oldest lines, so that it cannot fill the memory. */
const BEHIND: Bounds = { lines: 10_000, characters: 4 * 1024 ** 2 };

/** The last lines that a function printed, and a stream of new ones. */
export class LogBuffer {
  readonly #lines = new LogLines(KEPT);
  /** Each is called with a new line, and without one when the log is closed. */
  readonly #followers = new Set<(line?: LogLine) => void>();
  #isClosed = false;

  push(line: LogLine): void {
    this.#lines.push(line);
    for (const follower of this.#followers) follower(line);
  }

  /** Ends all followers after the last line. */
  close(): void {
    this.#isClosed = true;
    for (const follower of this.#followers) follower();
  }

  async *read({ tail, follow, signal }: LogOptions): AsyncGenerator<LogLine> {
    const queue = new LogLines(BEHIND);
    for (const line of this.#lines.last(tail)) queue.push(line);
    let wake: () => void = () => {};
    const follower = (line?: LogLine) => {
      if (line) queue.push(line);
      wake();
    };
    const aborted = () => wake();
    if (follow) this.#followers.add(follower);
    signal?.addEventListener("abort", aborted);
    try {
      while (!signal?.aborted) {
        const line = queue.shift();
        if (line) yield line;
        else if (!follow || this.#isClosed) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#followers.delete(follower);
      signal?.removeEventListener("abort", aborted);
    }
  }
}

/** A queue that keeps the newest lines within its bounds, and always the last one. */
class LogLines {
  readonly #bounds: Bounds;
  #lines: (LogLine | undefined)[] = [];
  /** Index of the oldest line. `Array.shift` would move all others each time. */
  #first = 0;
  #characters = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length;
    const { lines, characters } = this.#bounds;
    const length = () => this.#lines.length - this.#first;
    while (length() > 1 && (length() > lines || this.#characters > characters)) this.shift();
  }

  shift(): LogLine | undefined {
    const line = this.#lines[this.#first];
    if (!line) return undefined;
    this.#lines[this.#first++] = undefined;
    this.#characters -= line.text.length;
    if (2 * this.#first >= this.#lines.length) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
    return line;
  }

  /** Returns the newest `count` lines, oldest first. */
  last(count: number): readonly LogLine[] {
    const from = Math.max(this.#first, this.#lines.length - count);
    return this.#lines.slice(from).filter((line) => line !== undefined);
  }
}
