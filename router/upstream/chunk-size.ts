import { MalformedResponse } from "./response-fields.ts";

/** Most hexadecimal digits of a size; with more it would not be exact. */
const MOST_DIGITS = 12;
const LF = 10;
const CR = 13;

/** The line before a chunk (RFC 9112 7.1), byte by byte. Extensions, which no runtime of ours sends, are refused. */
export class ChunkSize {
  /** Of the chunk, as far as it has been read. */
  bytes = 0;
  #digits = 0;
  #isEnding = false;

  /** For the next chunk. */
  reset(): void {
    this.bytes = 0;
    this.#digits = 0;
    this.#isEnding = false;
  }

  /**
   * True when the line is over.
   * @throws MalformedResponse
   */
  take(byte: number): boolean {
    if (this.#isEnding && byte === LF) return true;
    const digit = this.#isEnding ? -1 : hexDigit(byte);
    if (digit >= 0 && ++this.#digits <= MOST_DIGITS) this.bytes = this.bytes * 16 + digit;
    else if (byte === CR && this.#digits > 0 && !this.#isEnding) this.#isEnding = true;
    else throw new MalformedResponse("a chunk of its response has no valid size");
    return false;
  }
}

/** -1 if it is none. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
