import { printable } from "./printable.ts";

export interface LogLimit {
  readonly lines: number;
  readonly perMs: number;
}

/** Most lines about failed calls. */
export const FAILURE_LIMIT: LogLimit = { lines: 10, perMs: 1_000 };

/** Prints a limited number of lines per time. The next line has the number of those left out. */
export class LimitedLog {
  readonly #print: (line: string) => void;
  readonly #limit: LogLimit;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #leftOut = 0;

  constructor(print: (line: string) => void, limit: LogLimit) {
    this.#print = print;
    this.#limit = limit;
  }

  /**
   * @param line one line; clients and instances may choose parts of it
   * @param nowMs the monotonic time, in milliseconds
   */
  print(line: string, nowMs = performance.now()): void {
    if (nowMs - this.#windowStartMs >= this.#limit.perMs) {
      this.#windowStartMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines++ >= this.#limit.lines) {
      this.#leftOut++;
      return;
    }
    const leftOut = this.#leftOut === 0 ? "" : ` (and ${this.#leftOut} more before)`;
    this.#leftOut = 0;
    this.#print(printable(line) + leftOut);
  }
}
