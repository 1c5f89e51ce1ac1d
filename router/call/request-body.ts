import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { connectionNames, passes, renderFields } from "../exchange/request-head.ts";
import type { Sending, UpstreamBody } from "../upstream/connection.ts";

/**
 * Longest body that is kept until the instance answers, in bytes: an instance without a place has read none
 * of it. The router reserves a place for calls with longer bodies, and for bodies of unknown length.
 */
const KEPT_BYTES = 64 * 1024;

export interface BodyOptions {
  readonly limitBytes: number;
  /** Time for the whole body once it is sent to an instance, in milliseconds. */
  readonly limitMs: number;
  /** Called for each part that arrives. */
  readonly onProgress: () => void;
  /** Called when the body exceeds `limitBytes`; nothing beyond the limit is sent. */
  readonly onTooLarge: () => void;
  /** Called when the body exceeds `limitMs`. */
  readonly onTooLate: () => void;
}

/** Passes the body of a call from Node's server to an instance, with back-pressure. */
export class RequestBody implements UpstreamBody {
  /** The body can be sent to another instance, until an instance answers. */
  readonly isRepeatable: boolean;
  /** Bytes that have arrived. */
  bytes = 0;
  isSent = false;
  /** The instance does not read: the client did not cause the pause. */
  isStalled = false;
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  readonly #isChunked: boolean;
  /** The parts that arrived, as long as they may have to be sent again. */
  #kept: Buffer[] | undefined = [];
  #isWhole = false;
  #socket: Socket | undefined;
  #sending: Sending | undefined;
  /** Sent together with the first part, so that a body that is malformed at once reaches no instance. */
  #head = "";
  /** Progress does not extend it: a byte now and then would hold a place of the instance without end. */
  #limit: NodeJS.Timeout | undefined;
  readonly #onData = (part: Buffer) => this.#take(part);
  readonly #onEnd = () => this.#ended();
  readonly #onClose = () => this.#closed();
  readonly #onDrain = () => this.#resume();

  constructor(request: IncomingMessage, options: BodyOptions) {
    this.#request = request;
    this.#options = options;
    const { "content-length": length } = request.headers;
    this.#isChunked = length === undefined;
    this.isRepeatable = length !== undefined && Number(length) <= KEPT_BYTES;
    if (!this.isRepeatable) this.#kept = undefined;
    request.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
    request.pause();
  }

  sendTo(socket: Socket, text: string, sending: Sending): void {
    const framing = this.#isChunked ? "transfer-encoding: chunked\r\n" : "";
    this.#head = `${text}${framing}\r\n`;
    this.#socket = socket;
    this.#sending = sending;
    this.isSent = false;
    this.isStalled = false;
    socket.on("drain", this.#onDrain);
    if (!this.#request.complete) {
      this.#limit ??= setTimeout(this.#options.onTooLate, this.#options.limitMs);
    }
    for (const part of this.#kept ?? []) this.#write(part);
    if (this.#isWhole) this.#finish();
    else this.#resume();
  }

  /** The instance has answered: the body is not sent again. */
  accepted(): void {
    this.#kept = undefined;
  }

  stop(): void {
    if (this.#socket === undefined) return;
    this.#request.pause();
    this.#socket.off("drain", this.#onDrain);
    this.#socket = undefined;
    this.#sending = undefined;
  }

  /** Releases the request. */
  destroy(): void {
    this.stop();
    clearTimeout(this.#limit);
    this.#request.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
  }

  #take(part: Buffer): void {
    const { limitBytes, onProgress, onTooLarge } = this.#options;
    this.bytes += part.length;
    onProgress();
    if (this.bytes > limitBytes) {
      onTooLarge();
      return;
    }
    this.#kept?.push(part);
    if (this.#socket !== undefined) this.#write(part);
    else this.#request.pause();
  }

  #write(part: Buffer): void {
    const socket = this.#socket;
    // An error may have ended the sending in between.
    if (socket === undefined) return;
    const head = this.#head;
    this.#head = "";
    socket.cork();
    if (head !== "") socket.write(head, "latin1");
    if (this.#isChunked) socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    let goesOn = socket.write(part);
    if (this.#isChunked) goesOn = socket.write("\r\n", "latin1");
    socket.uncork();
    if (head !== "" && !this.#hasStarted(socket)) {
      if (this.#kept !== undefined) return;
      // The part is read again, for the next instance.
      this.bytes -= part.length;
      this.#request.unshift(part);
      return;
    }
    if (goesOn) return;
    this.isStalled = true;
    this.#request.pause();
  }

  /** Returns false if the first write failed: then nothing was written. */
  #hasStarted(socket: Socket): boolean {
    const sending = this.#sending!;
    if (socket.errored === null) {
      sending.onStart();
      return true;
    }
    this.stop();
    sending.onFailure(socket.errored);
    return false;
  }

  #resume(): void {
    if (this.#socket === undefined || this.#socket.writableNeedDrain) return;
    this.isStalled = false;
    this.#request.resume();
  }

  #ended(): void {
    clearTimeout(this.#limit);
    this.#isWhole = true;
    this.#finish();
  }

  #finish(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const head = this.#head;
    this.#head = "";
    const last = this.#isChunked ? `0\r\n${renderFields(requestTrailers(this.#request))}\r\n` : "";
    if (head !== "" || last !== "") socket.write(head + last, "latin1");
    if (head !== "" && !this.#hasStarted(socket)) return;
    this.isSent = true;
    this.isStalled = false;
  }

  #closed(): void {
    if (this.#isWhole || this.#sending === undefined) return;
    const { onFailure } = this.#sending;
    this.stop();
    onFailure(this.#request.errored ?? new Error("the body of the request broke off"));
  }
}

/**
 * Trailers that are not forwarded, besides fields that are not forwarded at all. Fields that control how a
 * request is processed come too late (RFC 9110 6.5.1), and a server that merges trailers into the headers
 * would trust them over the checked ones.
 */
const HEADER_ONLY =
  /^(?:authorization|cache-control|content-.*|cookie2?|if-.*|max-forwards|pragma|range|set-cookie|x-forwarded-.*)$/;
/** The digest of a chunked body is a trailer by design (RFC 9530). */
const CONTENT_DIGEST = "content-digest";

/** Returns the trailers of a request for the instance: names and values in turn. */
function requestTrailers({ rawTrailers, headers }: IncomingMessage): string[] {
  if (rawTrailers.length === 0) return rawTrailers;
  const named = connectionNames(headers.connection);
  return rawTrailers.filter((_, index) => {
    const name = rawTrailers[index & ~1]!.toLowerCase();
    return passes(name, named) && (!HEADER_ONLY.test(name) || name === CONTENT_DIGEST);
  });
}
