import { ChunkSize, HeadTooLarge, MalformedResponse, parseFields, ResponseCut } from "./response-fields.ts";
import {
  CHUNKED,
  isTrailer,
  keepHead,
  parseResponseHead,
  UNTIL_CLOSE,
  type UpstreamHead,
} from "./response-head.ts";

/** Receives one response. Each of its members may abandon the response. */
export interface ResponseSink {
  /** Called for each 1xx response before the final one. */
  onInformation(head: UpstreamHead): void;
  /** Called once. After 101, which only an upgrade request gets, the other protocol follows as the body. */
  onHead(head: UpstreamHead): void;
  /** @param part a view of the read buffer, valid during the call only */
  onData(part: Buffer): void;
  /** @param trailers names and values in turn */
  onEnd(trailers: readonly string[]): void;
}

/**
 * Bytes that are searched first for the end of a head. A head of this size is cached: the responses of a
 * function mostly repeat it until the date changes.
 */
const FIRST_BYTES = 1_024;
const BLOCK_END = "\r\n\r\n";
const [LF, CR] = [10, 13];
const START = "HTTP/1.";
const NO_TRAILERS: readonly string[] = [];

type State = "idle" | "head" | "length" | "untilClose" | "size" | "chunk" | "cr" | "lf" | "trailers";

/** Parses the responses of one connection in turn. It cannot be used after an error. */
export class ResponseParser {
  readonly #headerBytes: number;
  /** Called before the sink's `onEnd`. `keepsAlive`: the connection can carry another call. */
  readonly #onEnd: (keepsAlive: boolean) => void;
  #sink: ResponseSink | undefined;
  #isHead = false;
  #isUpgrade = false;
  #state: State = "idle";
  #head: UpstreamHead | undefined;
  /** The part of a head or of trailers that has arrived. */
  #text = "";
  /** Bytes of the body or the chunk that have not arrived. */
  #left = 0;
  readonly #chunkSize = new ChunkSize();
  #knownText = "";
  #knownHead: UpstreamHead | undefined;

  constructor(headerBytes: number, onEnd: (keepsAlive: boolean) => void) {
    this.#headerBytes = headerBytes;
    this.#onEnd = onEnd;
  }

  /**
   * Sends the next response to `sink`.
   * @param isHead the response answers HEAD and has no body
   * @param isUpgrade the response may be 101
   */
  begin(sink: ResponseSink, isHead: boolean, isUpgrade: boolean): void {
    this.#sink = sink;
    this.#isHead = isHead;
    this.#isUpgrade = isUpgrade;
    this.#state = "head";
  }

  /** Drops the rest of the response; `execute` returns without reading it. */
  abandon(): void {
    this.#sink = undefined;
    this.#text = "";
  }

  /**
   * Parses the first `length` bytes.
   * @throws MalformedResponse, HeadTooLarge
   */
  execute(bytes: Buffer, length: number): void {
    let at = 0;
    if (this.#sink === undefined) throw new MalformedResponse("it sent a response without a request");
    while (at < length && this.#sink !== undefined) at = this.#step(this.#sink, bytes, at, length);
  }

  /**
   * Handles the end of the connection.
   * @throws ResponseCut unless the body ends with the connection
   */
  finish(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (this.#state !== "untilClose") throw new ResponseCut("other side closed");
    this.#end(sink, false, NO_TRAILERS);
  }

  #step(sink: ResponseSink, bytes: Buffer, at: number, length: number): number {
    switch (this.#state) {
      case "head":
        return this.#takeHead(sink, bytes, at, length);
      case "length":
      case "chunk":
        return this.#takeData(sink, bytes, at, length);
      case "untilClose":
        sink.onData(bytes.subarray(at, length));
        return length;
      case "trailers":
        return this.#takeTrailers(sink, bytes, at, length);
      default:
        this.#takeFraming(bytes[at]!);
        return at + 1;
    }
  }

  #takeHead(sink: ResponseSink, bytes: Buffer, at: number, length: number): number {
    let head = this.#knownAt(bytes, at, length);
    let next = at + this.#knownText.length;
    if (head === undefined) {
      const before = this.#text.length;
      const end = this.#takeBlock(bytes, at, length);
      if (end < 0) {
        this.#checkStart();
        return length;
      }
      head = this.#parseHead(this.#text.slice(0, end + 4));
      this.#text = "";
      next = at + end + 4 - before;
    }
    const isSwitch = head.status === 101;
    if (isSwitch && !this.#isUpgrade) {
      throw new MalformedResponse("it switched protocols without being asked to");
    }
    if (head.status < 200 && !isSwitch) {
      sink.onInformation(head);
      return next;
    }
    this.#head = head;
    if (isSwitch) this.#state = "untilClose";
    sink.onHead(head);
    if (isSwitch) return next;
    if (this.#sink === undefined) return length;
    const hasBody = !this.#isHead && head.status !== 204 && head.status !== 304 && head.length !== 0;
    if (!hasBody) this.#end(sink, next === length, NO_TRAILERS);
    else if (head.length === CHUNKED) this.#startChunk();
    else if (head.length === UNTIL_CLOSE) this.#state = "untilClose";
    else {
      this.#state = "length";
      this.#left = head.length;
    }
    return next;
  }

  /** Returns the cached head if the bytes begin with it. */
  #knownAt(bytes: Buffer, at: number, length: number): UpstreamHead | undefined {
    const size = this.#knownText.length;
    if (size === 0 || this.#text !== "" || length - at < size) return undefined;
    if (bytes.toString("latin1", at, at + size) !== this.#knownText) return undefined;
    const known = this.#knownHead!;
    known.rendered ??= keepHead(known);
    return known;
  }

  /** @param text with the empty line */
  #parseHead(text: string): UpstreamHead {
    const head = parseResponseHead(text.slice(0, -2));
    // Slices keep the whole string in memory: a large one must not stay.
    if (this.#text.length <= FIRST_BYTES) {
      this.#knownText = text;
      this.#knownHead = head;
    }
    return head;
  }

  #takeData(sink: ResponseSink, bytes: Buffer, at: number, length: number): number {
    const end = Math.min(length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    const isWhole = isLast && this.#state === "length";
    if (isLast && !isWhole) this.#state = "cr";
    sink.onData(bytes.subarray(at, end));
    if (isWhole && this.#sink !== undefined) this.#end(sink, end === length, NO_TRAILERS);
    return end;
  }

  #startChunk(): void {
    this.#state = "size";
    this.#chunkSize.reset();
  }

  #takeFraming(byte: number): void {
    if (this.#state === "size") {
      if (!this.#chunkSize.take(byte)) return;
      this.#left = this.#chunkSize.bytes;
      this.#state = this.#left === 0 ? "trailers" : "chunk";
      // So that empty trailers match the end of a block as well.
      if (this.#left === 0) this.#text = "\r\n";
    } else {
      if (byte !== (this.#state === "cr" ? CR : LF)) {
        throw new MalformedResponse("a chunk of its response is longer than its size");
      }
      if (this.#state === "cr") this.#state = "lf";
      else this.#startChunk();
    }
  }

  #takeTrailers(sink: ResponseSink, bytes: Buffer, at: number, length: number): number {
    const before = this.#text.length;
    const end = this.#takeBlock(bytes, at, length);
    if (end < 0) return length;
    const fields = end === 0 ? [] : parseFields(this.#text.slice(0, end + 2), 2);
    this.#text = "";
    const next = at + end + 4 - before;
    // Fields that frame or route a message are not allowed in its trailers (RFC 9110 6.5.1).
    const trailers = fields.filter((_, index) => isTrailer(fields[index & ~1]!));
    this.#end(sink, next === length, trailers);
    return next;
  }

  /** Adds to `#text`; returns the position of the empty line after the block, or -1 if it has not arrived. */
  #takeBlock(bytes: Buffer, at: number, length: number): number {
    const before = this.#text.length;
    const most = this.#headerBytes + 4;
    const last = Math.min(length, at + most - before);
    // Most blocks are short, and a body follows.
    const first = Math.min(last, at + FIRST_BYTES);
    this.#text += bytes.toString("latin1", at, first);
    let end = this.#text.indexOf(BLOCK_END, Math.max(0, before - 3));
    if (end < 0 && first < last) {
      this.#text += bytes.toString("latin1", first, last);
      end = this.#text.indexOf(BLOCK_END, Math.max(0, before - 3));
    }
    if (end < 0 && this.#text.length >= most) throw new HeadTooLarge("its header block is too large");
    return end;
  }

  /** Rejects text that cannot become a head without waiting for its end. */
  #checkStart(): void {
    const text = this.#text;
    if (text.slice(0, START.length) !== START.slice(0, text.length) || /(?:^|[^\r])\n/.test(text)) {
      throw new MalformedResponse("its response has no valid status line");
    }
  }

  #end(sink: ResponseSink, isAll: boolean, trailers: readonly string[]): void {
    const keepsAlive = isAll && this.#head!.keepsAlive;
    this.#state = "idle";
    this.#sink = undefined;
    this.#head = undefined;
    this.#onEnd(keepsAlive);
    sink.onEnd(trailers);
  }
}
