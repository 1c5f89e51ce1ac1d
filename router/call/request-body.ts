import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { connectionNames, passes, renderFields } from "../exchange/request-head.ts";
import type { Sending, UpstreamBody } from "../upstream/connection.ts";

/**
 * Bytes of a body that are sent before the instance said that it takes the call. They are kept until then, because an
 * instance that has no place for the call has read none of them. Longer bodies, and bodies of unknown length, ask for
 * 100 Continue (RFC 9110 10.1.1), which Deno sends when the function reads the body.
 */
const KEPT_BYTES = 64 * 1024;
/** Time to wait for 100 Continue before the rest is sent, in milliseconds: not every program sends it. */
const CONTINUE_MS = 1_000;

export interface BodyOptions {
  readonly limitBytes: number;
  /** Time for the whole body from when an instance asks for it, in milliseconds. */
  readonly limitMs: number;
  /** Called for each part that arrives. */
  readonly onProgress: () => void;
  /** The body is longer than `limitBytes`; nothing beyond the limit is sent. */
  readonly onTooLarge: () => void;
  /** The body takes longer than `limitMs`. */
  readonly onTooLate: () => void;
}

/** The body of a call on its way from Node's server to an instance, with back-pressure. */
export class RequestBody implements UpstreamBody {
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  readonly #isChunked: boolean;
  readonly #asksToContinue: boolean;
  #bytes = 0;
  /** What arrived, as long as it may have to be sent again. */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #isWhole = false;
  #isSent = false;
  #socket: Socket | undefined;
  #sending: Sending | undefined;
  /** Sent together with the first part, so that a body that is malformed at once reaches no instance. */
  #head = "";
  #isStalled = false;
  #continueMs = CONTINUE_MS;
  /** Progress does not move it: a byte now and then would hold a place of the instance for ever. */
  #limit: NodeJS.Timeout | undefined;
  #continue: NodeJS.Timeout | undefined;
  readonly #onData = (part: Buffer) => this.#take(part);
  readonly #onEnd = () => this.#ended();
  readonly #onClose = () => this.#closed();
  readonly #onDrain = () => this.#goOn();

  constructor(request: IncomingMessage, options: BodyOptions) {
    this.#request = request;
    this.#options = options;
    const { "content-length": length } = request.headers;
    this.#isChunked = length === undefined;
    this.#asksToContinue = length === undefined || Number(length) > KEPT_BYTES;
    request.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
    request.pause();
  }

  /** Bytes that have arrived. */
  get bytes(): number {
    return this.#bytes;
  }

  get isSent(): boolean {
    return this.#isSent;
  }

  /** The body can be sent to another instance. */
  get isRepeatable(): boolean {
    return this.#kept !== undefined;
  }

  /** The instance may hold the call for this time before it reads the body, in milliseconds. */
  set heldMs(value: number) {
    this.#continueMs = CONTINUE_MS + value;
  }

  /** The instance does not take what has arrived: the silence is not the client's. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  sendTo(socket: Socket, text: string, sending: Sending): void {
    const framing = this.#isChunked ? "transfer-encoding: chunked\r\n" : "";
    const expect = this.#asksToContinue && this.#kept !== undefined ? "expect: 100-continue\r\n" : "";
    this.#head = `${text}${framing}${expect}\r\n`;
    this.#socket = socket;
    this.#sending = sending;
    this.#isSent = false;
    this.#isStalled = false;
    socket.on("drain", this.#onDrain);
    if (!this.#request.complete) {
      this.#limit ??= setTimeout(this.#options.onTooLate, this.#options.limitMs);
    }
    for (const part of this.#kept ?? []) this.#write(part);
    if (this.#isWhole) this.#finish();
    else this.#goOn();
  }

  /** The instance reads the body or has answered: the body is not sent again. */
  taken(): void {
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    clearTimeout(this.#continue);
    if (this.#socket !== undefined) this.#goOn();
  }

  stop(): void {
    if (this.#socket === undefined) return;
    this.#request.pause();
    clearTimeout(this.#continue);
    this.#continue = undefined;
    this.#socket.off("drain", this.#onDrain);
    this.#socket = undefined;
    this.#sending = undefined;
  }

  /** Lets go of the request: nobody takes the body any more. */
  destroy(): void {
    this.stop();
    clearTimeout(this.#limit);
    this.#request.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
  }

  #take(part: Buffer): void {
    const { limitBytes, onProgress, onTooLarge } = this.#options;
    this.#bytes += part.length;
    onProgress();
    if (this.#bytes > limitBytes) {
      onTooLarge();
      return;
    }
    if (this.#kept !== undefined) {
      this.#kept.push(part);
      this.#keptBytes += part.length;
    }
    if (this.#socket !== undefined) this.#write(part);
    else this.#request.pause();
  }

  #write(part: Buffer): void {
    const socket = this.#socket;
    // An error ended the sending in between.
    if (socket === undefined) return;
    const head = this.#head;
    this.#head = "";
    socket.cork();
    if (head !== "") socket.write(head, "latin1");
    if (this.#isChunked) socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    let goesOn = socket.write(part);
    if (this.#isChunked) goesOn = socket.write("\r\n", "latin1");
    socket.uncork();
    if (head !== "" && !this.#started(socket)) return;
    if (!goesOn || this.#waitsToContinue()) this.#hold();
  }

  /** False if the first attempt to write failed: then nothing was written. */
  #started(socket: Socket): boolean {
    const sending = this.#sending!;
    if (socket.errored === null) {
      sending.onStart();
      return true;
    }
    this.stop();
    sending.onFailure(socket.errored);
    return false;
  }

  #waitsToContinue(): boolean {
    if (this.#kept === undefined || this.#keptBytes <= KEPT_BYTES) return false;
    this.#continue ??= setTimeout(() => this.taken(), this.#continueMs);
    return true;
  }

  #hold(): void {
    this.#isStalled = true;
    this.#request.pause();
  }

  #goOn(): void {
    if (this.#socket === undefined || this.#waitsToContinue()) return;
    if (this.#socket.writableNeedDrain) return;
    this.#isStalled = false;
    this.#request.resume();
  }

  #ended(): void {
    clearTimeout(this.#limit);
    this.#isWhole = true;
    if (this.#socket !== undefined) this.#finish();
  }

  #finish(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const head = this.#head;
    this.#head = "";
    const last = this.#isChunked ? `0\r\n${renderFields(requestTrailers(this.#request))}\r\n` : "";
    if (head !== "" || last !== "") socket.write(head + last, "latin1");
    if (head !== "" && !this.#started(socket)) return;
    this.#isSent = true;
    this.#isStalled = false;
  }

  #closed(): void {
    if (this.#isWhole || this.#sending === undefined) return;
    const { onFailure } = this.#sending;
    this.stop();
    onFailure(this.#request.errored ?? new Error("the body of the request broke off"));
  }
}

/**
 * Trailers that are not forwarded besides what is not forwarded as a header: fields that say how to process the request
 * come too late (RFC 9110 6.5.1), and a server that puts trailers among the headers would believe them over what was
 * checked before the body.
 */
const HEADER_ONLY =
  /^(?:authorization|cache-control|content-.*|cookie2?|if-.*|max-forwards|pragma|range|set-cookie|x-forwarded-.*)$/;
/** The digest of a body in chunks is what trailers are for (RFC 9530). */
const CONTENT_DIGEST = "content-digest";

/** The trailer fields of a request whose body has ended, for the instance: names and values in turn. */
function requestTrailers({ rawTrailers, headers }: IncomingMessage): string[] {
  if (rawTrailers.length === 0) return rawTrailers;
  const named = connectionNames(headers.connection);
  const trailers: string[] = [];
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = rawTrailers[i]!.toLowerCase();
    if (!passes(name, named) || (HEADER_ONLY.test(name) && name !== CONTENT_DIGEST)) continue;
    trailers.push(rawTrailers[i]!, rawTrailers[i + 1]!);
  }
  return trailers;
}
