import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { UpstreamBody } from "../upstream/upstream-request.ts";
import { requestTrailers } from "./request-trailers.ts";

export interface BodyOptions {
  readonly limitBytes: number;
  /** Time that the body may take from when an instance asks for it. */
  readonly limitMs: number;
  /** A part of the body arrived. */
  readonly onProgress: () => void;
  /** The body is longer than `limitBytes`; nothing beyond the limit is passed on. */
  readonly onTooLarge: () => void;
  /** The body takes longer than `limitMs`. */
  readonly onTooLate: () => void;
}

/**
 * The body of a call on its way to an instance, with back-pressure. It is not the request itself:
 * the body of a call that ends early is destroyed, which for a request destroys the client's connection.
 */
export class RequestBody extends Readable implements UpstreamBody {
  readonly #request: IncomingMessage;
  readonly #options: BodyOptions;
  #bytes = 0;
  /** Progress does not move it: a byte now and then would hold a slot of the instance for ever. */
  #timer: NodeJS.Timeout | undefined;
  readonly #onData = (chunk: Buffer) => this.#take(chunk);
  readonly #onEnd = () => {
    clearTimeout(this.#timer);
    this.push(null);
  };

  constructor(request: IncomingMessage, options: BodyOptions) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
    this.#options = options;
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
    request.pause();
  }

  /** What arrived so far, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What followed the last chunk, once the body has ended. */
  get trailers(): readonly string[] {
    return requestTrailers(this.#request);
  }

  /** True while the instance does not take what has arrived: the silence is not the client's. */
  get isStalled(): boolean {
    return this.readableLength >= this.readableHighWaterMark;
  }

  override _read(): void {
    const { limitMs, onTooLate } = this.#options;
    if (!this.#request.complete) this.#timer ??= setTimeout(onTooLate, limitMs);
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    callback(error);
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#options.onProgress();
    if (this.#bytes > this.#options.limitBytes) this.#options.onTooLarge();
    else if (!this.push(chunk)) this.#request.pause();
  }
}

/** Time that a body has to end by itself, in milliseconds; the connection can be used again then. */
const REST_MS = 2_000;

/**
 * Throws away the rest of a body after its answer, and closes the connection if there is no end of it. Closing at once
 * would reset the connection, and the reset overtakes the answer.
 */
export function discardBody(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || request.destroyed || !socket.writable) return;
  const timer = setTimeout(() => socket.destroySoon(), REST_MS);
  request.once("close", () => clearTimeout(timer));
  request.resume();
}
