const LINES_PER_S = 10;

/** One line per failed call, but no flood of them: what is over the limit is counted in the next line. */
export class FailureLog {
  readonly #print: (line: string) => void;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #left = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** @param nowMs the monotonic time, in milliseconds */
  print(line: string, nowMs = performance.now()): void {
    if (nowMs - this.#windowStartMs >= 1_000) {
      this.#windowStartMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_PER_S) {
      this.#left++;
      return;
    }
    this.#lines++;
    const left = this.#left === 0 ? "" : ` (and ${this.#left} more failures before)`;
    this.#left = 0;
    this.#print(onOneLine(line) + left);
  }
}

/** Parts of the line come from clients and instances, which must not steer the terminal. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ");
}
