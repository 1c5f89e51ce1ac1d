import type { Socket } from "node:net";
import type { BodySink, IncomingBody } from "../exchange/incoming-body.ts";
import { readField } from "./plain-head.ts";

/** Memory that is held for a sink that does not read, in bytes; then the connection is not read either. */
const HELD_BYTES = 64 * 1024;
/** What a part takes besides its bytes. */
const PART_BYTES = 128;
/** Longest line of a chunk's size with its extensions, and longest trailer section, in bytes. */
const LINE_BYTES = 1_024;
const TRAILER_BYTES = 8 * 1_024;
/**
 * Size and extensions of a chunk (RFC 9112 7.1). Extensions have no meaning for anyone here; Node's parser accepts more
 * of them.
 */
const SIZE = /^([0-9A-Fa-f]{1,12})(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"[ !#-[\]-~]*"))?)*\r\n$/;
/** Fields that frame or route a message are not allowed in its trailers (RFC 9110 6.5.1). */
const FRAMING: ReadonlySet<string> = new Set(
  "connection content-length expect proxy-connection te trailer transfer-encoding upgrade".split(" "),
);
const LF = 10;

export const INVALID = -1;

/** The body of a plain request. */
export class PlainBody implements IncomingBody {
  readonly isChunked: boolean;
  length: number | undefined;
  isComplete = false;
  readonly #connection: { readonly socket: Socket };
  #sink: BodySink | undefined;
  #isPaused = true;
  #isDiscarded = false;
  /** Parts that were not passed on. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #bytes = 0;
  readonly #trailers: string[] = [];
  #trailerBytes = 0;
  /** Bytes of the body or the chunk that have not arrived. */
  #left: number;
  #next: "size" | "data" | "end" | "trailer";
  /** A line that has arrived in part. */
  #line = "";
  /** The data of the chunks in one read. */
  #gathered: Buffer | undefined;
  #filled = 0;

  /**
   * @param length in bytes; undefined for a chunked body
   * @param connection may replace its socket
   */
  constructor(length: number | undefined, connection: { readonly socket: Socket }) {
    this.length = length;
    this.#connection = connection;
    this.isChunked = length === undefined;
    this.#left = length ?? 0;
    this.#next = length === undefined ? "size" : "data";
  }

  open(sink: BodySink): void {
    this.#sink = sink;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#sink === undefined || !this.#isPaused) return;
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const part of held) this.#pass(part);
    this.#readEnded();
    if (!this.isComplete && !this.#isPaused) this.#connection.socket.resume();
  }

  discard(): void {
    this.#sink = undefined;
    this.#isDiscarded = true;
    this.#held.length = 0;
    this.#heldBytes = 0;
    if (!this.isComplete) this.#connection.socket.resume();
  }

  /** The framing is not valid. */
  break(reason: string): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.onBroken(reason);
  }

  /**
   * Consumes the bytes of the body. Returns the position behind it, or INVALID.
   * @param isOwned the bytes stay what they are, so that they can be passed on
   */
  execute(bytes: Buffer, at: number, isOwned: boolean): number {
    let next = at;
    while (next < bytes.length && !this.isComplete) {
      next = this.#next === "data" ? this.#takeData(bytes, next, isOwned) : this.#takeLine(bytes, next);
      if (next === INVALID) return INVALID;
    }
    this.#passGathered();
    this.#readEnded();
    if (!this.isComplete && this.#heldBytes > HELD_BYTES) this.#connection.socket.pause();
    return next;
  }

  #takeData(bytes: Buffer, at: number, isOwned: boolean): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#bytes += end - at;
    if (this.#left === 0) {
      if (this.isChunked) this.#next = "end";
      else this.isComplete = true;
    }
    if (this.isChunked) {
      this.#gathered ??= Buffer.allocUnsafe(bytes.length - at);
      this.#filled += bytes.copy(this.#gathered, this.#filled, at, end);
    } else {
      const part = bytes.subarray(at, end);
      this.#pass(isOwned ? part : Buffer.from(part));
    }
    return end;
  }

  /** Passes the chunks of a read on as one: tiny ones would cost a hundred times their size. */
  #passGathered(): void {
    const [gathered, filled] = [this.#gathered, this.#filled];
    if (gathered === undefined) return;
    this.#gathered = undefined;
    this.#filled = 0;
    const part = gathered.subarray(0, filled);
    // A small part must not keep a large buffer in memory.
    this.#pass(2 * filled < gathered.length ? Buffer.from(part) : part);
  }

  #takeLine(bytes: Buffer, at: number): number {
    const lineEnd = bytes.indexOf(LF, at);
    const end = lineEnd < 0 ? bytes.length : lineEnd + 1;
    if (this.#line.length + end - at > (this.#next === "trailer" ? TRAILER_BYTES : LINE_BYTES))
      return INVALID;
    const line = this.#line + bytes.toString("latin1", at, end);
    this.#line = lineEnd < 0 ? line : "";
    // A chunk that is longer than its size is not waited for.
    if (this.#next === "end" && !"\r\n".startsWith(line)) return INVALID;
    return lineEnd < 0 || this.#takeWhole(line) ? end : INVALID;
  }

  /** Returns false for a line that is not valid. */
  #takeWhole(line: string): boolean {
    if (this.#next === "trailer") return this.#takeTrailer(line);
    if (this.#next === "end") this.#next = "size";
    else {
      const size = SIZE.exec(line)?.[1];
      if (size === undefined) return false;
      this.#left = Number.parseInt(size, 16);
      this.#next = this.#left === 0 ? "trailer" : "data";
    }
    return true;
  }

  #takeTrailer(line: string): boolean {
    if (line === "\r\n") {
      this.isComplete = true;
      this.length = this.#bytes;
      return true;
    }
    this.#trailerBytes += line.length;
    const field = readField(line);
    if (this.#trailerBytes > TRAILER_BYTES || field === undefined) return false;
    if (FRAMING.has(field[0].toLowerCase())) return false;
    this.#trailers.push(...field);
    return true;
  }

  #pass(part: Buffer): void {
    if (this.#isDiscarded) return;
    if (this.#sink !== undefined && !this.#isPaused) this.#sink.onData(part);
    else {
      this.#held.push(part);
      this.#heldBytes += part.length + PART_BYTES;
    }
  }

  #readEnded(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isPaused) return;
    if (this.isComplete && this.#held.length === 0) {
      this.#sink = undefined;
      sink.onEnd(this.#trailers);
    } else sink.onReadEnd();
  }
}
