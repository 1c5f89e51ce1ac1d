import type { Socket } from "node:net";
import { renderEnd, type UpstreamBody } from "./upstream-request.ts";

export interface SendingOptions {
  /** Goes with the first part of the body, in one system call: a body that is malformed at once reaches nobody. */
  readonly head: string;
  readonly body: UpstreamBody;
  readonly isChunked: boolean;
  /** Bytes of the head can have reached the instance. */
  readonly onStart: () => void;
  /** The body went away before its end, or the head could not be written: then the body is still whole. */
  readonly onFailure: (error: Error) => void;
}

/** A request with a body on its way to an instance, with back-pressure. */
export class BodySending {
  readonly #socket: Socket;
  readonly #options: SendingOptions;
  #isStarted = false;
  #isOver = false;
  readonly #onData = (chunk: Buffer) => this.#send(chunk);
  readonly #onDrain = () => this.#options.body.resume();
  readonly #onEnd = () => this.#end();
  readonly #onClose = () => {
    const { body, onFailure } = this.#options;
    this.#release();
    onFailure(body.errored ?? new Error("the body of the request broke off"));
  };

  constructor(socket: Socket, options: SendingOptions) {
    this.#socket = socket;
    this.#options = options;
    const { body } = options;
    socket.on("drain", this.#onDrain);
    body.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
    body.resume();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets go of the connection, and of a body that nobody will read to its end. */
  stop(): void {
    if (this.#isOver) return;
    this.#release();
    // Otherwise another connection may get it.
    if (this.#isStarted) this.#options.body.destroy();
  }

  #release(): void {
    this.#isOver = true;
    this.#socket.off("drain", this.#onDrain);
    const { body } = this.#options;
    body.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    // It would go on to flow, to nobody.
    body.pause();
  }

  #send(chunk: Buffer): void {
    const socket = this.#socket;
    const { body, head, isChunked, onStart, onFailure } = this.#options;
    const isFirst = !this.#isStarted;
    socket.cork();
    if (isFirst) socket.write(head, "latin1");
    if (isChunked) socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    let goesOn = socket.write(chunk);
    if (isChunked) goesOn = socket.write("\r\n", "latin1");
    socket.uncork();
    if (isFirst && socket.errored !== null) {
      // The first attempt to write failed, so that nothing was written.
      this.#release();
      body.unshift(chunk);
      onFailure(socket.errored);
      return;
    }
    if (isFirst) {
      this.#isStarted = true;
      onStart();
    }
    if (!goesOn && !this.#isOver) body.pause();
  }

  #end(): void {
    const { body, head, isChunked, onStart } = this.#options;
    this.#release();
    const last = isChunked ? renderEnd(body) : "";
    if (this.#isStarted) {
      if (isChunked) this.#socket.write(last, "latin1");
      return;
    }
    this.#isStarted = true;
    onStart();
    this.#socket.write(head + last, "latin1");
  }
}
