const NEWLINE = 0x0a;
const SPACE = 0x20;
/** Longest timestamp in front of a line, such as `2026-11-29T21:01:29.624550969Z`. */
const STAMP_BYTES = 40;
/** Length of a timestamp without its fraction. */
const SECOND_LENGTH = "2026-11-29T21:01:29".length;
/** The lines of both streams may be out of order by less than this. */
const DISORDER_S = 2;

interface Second {
  /** Timestamp of its first line. */
  readonly first: string;
  lines: number;
}

/**
 * Reads a log with timestamps and returns its bytes without them. After a broken connection `begin` says from when on to
 * read again, and the cursor skips what it has returned: the kubelet selects lines by whole seconds and sends them in the
 * order of the file, so counting the lines from that second on is exact.
 */
export class LogCursor {
  /** The last seconds that had lines. */
  readonly #seconds = new Map<number, Second>();
  /** Bytes returned of the line that has not ended. */
  #partial = 0;
  /** Lines, and bytes of the line after them, that an earlier connection returned. */
  #skipLines = 0;
  #skipBytes = 0;
  /** Timestamp of the line to expect first; another one says that the file was rotated meanwhile. */
  #expected: string | undefined;
  #isByStamp = false;
  /** The beginning of a timestamp; undefined within the text of a line. */
  #reading: string | undefined = "";
  #stamp = "";
  #second = 0;
  #last = "";

  /** Begins a connection. Returns the `sinceTime` to ask for; undefined for the start of the log. */
  begin(): string | undefined {
    this.#reading = "";
    this.#skipBytes = this.#partial;
    this.#skipLines = 0;
    this.#expected = undefined;
    this.#isByStamp = false;
    const newest = Math.max(...this.#seconds.keys());
    if (!Number.isFinite(newest)) return undefined;
    const from = newest - 1;
    for (const [second, { first, lines }] of this.#seconds) {
      if (second < from) continue;
      this.#expected ??= first;
      this.#skipLines += lines;
    }
    return new Date(from * 1_000).toISOString();
  }

  /** Returns the bytes of the log in a chunk of the connection that were not returned yet. */
  read(chunk: Uint8Array): Buffer {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#reading !== undefined) {
        at = this.#readStamp(this.#reading, chunk, at);
        continue;
      }
      const end = chunk.indexOf(NEWLINE, at);
      const next = end < 0 ? chunk.length : end + 1;
      const text = this.#unread(chunk.subarray(at, next));
      if (text.length > 0) parts.push(text);
      if (end >= 0) this.#endLine();
      at = next;
    }
    return Buffer.concat(parts);
  }

  #readStamp(begun: string, chunk: Uint8Array, from: number): number {
    const longest = Math.min(chunk.length, from + STAMP_BYTES - begun.length);
    let end = from;
    while (end < longest && chunk[end] !== SPACE && chunk[end] !== NEWLINE) end++;
    const text = begun + String.fromCharCode(...chunk.subarray(from, end));
    if (end === chunk.length) this.#reading = text;
    else this.#beginLine(text);
    return end + 1;
  }

  #beginLine(stamp: string): void {
    // Parsing takes longer than the rest of a short line.
    if (stamp.slice(0, SECOND_LENGTH) !== this.#stamp.slice(0, SECOND_LENGTH)) {
      this.#second = Math.floor(Date.parse(stamp) / 1_000);
      // The kubelet itself says something, such as that it cannot read the file.
      if (Number.isNaN(this.#second)) throw new Error(`the log cannot be read: ${stamp} …`);
    }
    this.#reading = undefined;
    this.#stamp = stamp;
    const isRotated = this.#expected !== undefined && this.#expected !== stamp;
    this.#expected = undefined;
    if (!isRotated) return;
    // The lines before are in another file. What is left to tell them apart are the timestamps.
    this.#skipLines = 0;
    this.#isByStamp = true;
  }

  #unread(text: Uint8Array): Uint8Array {
    if (this.#isSkipped()) return text.subarray(text.length);
    const skipped = Math.min(this.#skipBytes, text.length);
    this.#skipBytes -= skipped;
    this.#partial += text.length - skipped;
    return text.subarray(skipped);
  }

  #isSkipped(): boolean {
    return this.#skipLines > 0 || (this.#isByStamp && this.#stamp <= this.#last);
  }

  #endLine(): void {
    this.#reading = "";
    const isSkipped = this.#isSkipped();
    if (this.#skipLines > 0) this.#skipLines--;
    if (isSkipped) return;
    this.#partial = 0;
    this.#skipBytes = 0;
    this.#isByStamp = false;
    this.#last = this.#stamp;
    const known = this.#seconds.get(this.#second);
    if (known) known.lines++;
    else this.#addSecond(this.#second);
  }

  #addSecond(second: number): void {
    this.#seconds.set(second, { first: this.#stamp, lines: 1 });
    const newest = Math.max(...this.#seconds.keys());
    for (const each of this.#seconds.keys()) if (each < newest - DISORDER_S) this.#seconds.delete(each);
  }
}
