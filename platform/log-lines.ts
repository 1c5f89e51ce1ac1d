import type { LogLine } from "./platform.ts";

export interface Bounds {
  readonly lines: number;
  /** Of all texts together. */
  readonly characters: number;
}

/** The newest lines of a log, in order: as many as the bounds allow, at least one. */
export class LogLines {
  readonly #bounds: Bounds;
  #lines: (LogLine | undefined)[] = [];
  /** Where the oldest is: moving all for every line that goes would cost more than the lines. */
  #first = 0;
  #characters = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#lines.length - this.#first;
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length;
    const { lines, characters } = this.#bounds;
    while (this.length > 1 && (this.length > lines || this.#characters > characters)) this.shift();
  }

  /** Takes the oldest away. */
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

  /** The newest `count`, oldest first. */
  last(count: number): readonly LogLine[] {
    const from = Math.max(this.#first, this.#lines.length - count);
    return this.#lines.slice(from).filter((line) => line !== undefined);
  }
}
