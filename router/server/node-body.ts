import type { IncomingMessage } from "node:http";
import { discardBody } from "../../http/discard-body.ts";
import type { BodySink, IncomingBody } from "../exchange/incoming-body.ts";

/** The body of a request of Node's server. */
export class NodeBody implements IncomingBody {
  readonly isChunked: boolean;
  readonly length: number | undefined;
  readonly #request: IncomingMessage;
  #sink: BodySink | undefined;

  /** Returns undefined for a request without a body. */
  static of(request: IncomingMessage): NodeBody | undefined {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    const hasBody = coding !== undefined || (length !== undefined && length !== "0");
    return hasBody ? new NodeBody(request) : undefined;
  }

  private constructor(request: IncomingMessage) {
    const { "content-length": length } = request.headers;
    this.#request = request;
    this.isChunked = length === undefined;
    this.length = length === undefined ? undefined : Number(length);
  }

  get isComplete(): boolean {
    return this.#request.complete;
  }

  open(sink: BodySink): void {
    this.#sink = sink;
    const request = this.#request.pause();
    request.on("data", (part: Buffer) => {
      this.#sink?.onData(part);
      this.#sink?.onReadEnd();
    });
    request.once("end", () => {
      const open = this.#sink;
      this.#sink = undefined;
      open?.onEnd(request.rawTrailers);
    });
    request.once("close", () => this.#sink?.onBroken(request.errored?.message ?? "its body broke off"));
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#request.resume();
  }

  discard(): void {
    this.#sink = undefined;
    discardBody(this.#request);
  }
}
