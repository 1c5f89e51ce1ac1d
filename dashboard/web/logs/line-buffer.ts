import type { LogLine } from "./log-line.ts";

export interface ShownLine extends LogLine {
  /** Of the list; grows with each line. */
  readonly key: number;
}

export interface BufferState {
  readonly lines: readonly ShownLine[];
  /** Lines that came while somebody read older ones. */
  readonly held: number;
  /** Older lines that are no longer here. */
  readonly dropped: number;
}

/** Lines are dropped in parts, so that dropping costs nothing for each line. */
const PART = 0.1;

/** Keeps the last lines. While it holds, the lines that are shown do not move, and new ones wait. */
export class LineBuffer {
  readonly #most: number;
  #shown: ShownLine[] = [];
  #held: ShownLine[] = [];
  #isHolding = false;
  #last = 0;
  #dropped = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(line: LogLine): void {
    const list = this.#isHolding ? this.#held : this.#shown;
    list.push({ ...line, key: ++this.#last });
    if (list.length > this.#most * (1 + PART)) this.#trim(list);
  }

  hold(isHolding: boolean): void {
    this.#isHolding = isHolding;
    if (isHolding || this.#held.length === 0) return;
    this.#shown = [...this.#shown, ...this.#held];
    this.#held = [];
    this.#trim(this.#shown);
  }

  get state(): BufferState {
    return { lines: this.#shown.slice(), held: this.#held.length, dropped: this.#dropped };
  }

  #trim(list: ShownLine[]): void {
    const over = Math.max(0, list.length - this.#most);
    list.splice(0, over);
    this.#dropped += over;
  }
}
