import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are split. */
const LINE_CHARACTERS = 8_192;
/** Lines that a failed call reports. */
const LAST_LINES = 20;

/** Writes a line to the log. Returns false if the stream has to wait for `drained`. */
export interface LogTarget {
  line(text: string): boolean;
  drained(onDrain: () => void): void;
}

/** Reads standard error as lines of the log, as fast as the log takes them. */
export class LogLines {
  /** The last lines. */
  readonly last: string[] = [];
  readonly #decoder = new StringDecoder("utf8");
  readonly #target: LogTarget;
  #rest = "";

  constructor(stream: Readable, target: LogTarget) {
    this.#target = target;
    stream.on("data", (chunk: Buffer) => {
      if (this.#take(this.#decoder.write(chunk))) return;
      stream.pause();
      target.drained(() => stream.resume());
    });
    stream.once("close", () => {
      this.#take(this.#decoder.end());
      if (this.#rest !== "") this.#emit(this.#rest);
      this.#rest = "";
    });
  }

  #take(text: string): boolean {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    let takesMore = true;
    for (const line of lines) takesMore = this.#emit(line) && takesMore;
    while (this.#rest.length > LINE_CHARACTERS) {
      takesMore = this.#emit(this.#rest.slice(0, LINE_CHARACTERS)) && takesMore;
      this.#rest = this.#rest.slice(LINE_CHARACTERS);
    }
    return takesMore;
  }

  #emit(line: string): boolean {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (this.last.push(text) > LAST_LINES) this.last.shift();
    return this.#target.line(text);
  }
}
