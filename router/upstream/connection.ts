import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../../platform/platform.ts";
import { type ResponseEnd, ResponseParser, type ResponseSink } from "./response-parser.ts";
import { BodySending } from "./upstream-body.ts";
import { renderHead, type UpstreamRequest } from "./upstream-request.ts";

/** Who made a call to an instance. After `onEnd`, `onError` or `abort` it hears nothing any more. */
export interface UpstreamSink extends ResponseSink {
  /** Bytes can have reached the instance from now on. */
  onStart(): void;
  /** All that has arrived has been told. */
  onReadEnd(): void;
  /** There is no response, or not all of one. */
  onError(error: Error): void;
}

export interface ConnectionOptions {
  readonly address: Address;
  /** Largest header block of a response. */
  readonly headerBytes: number;
  /** Time after which an address that does not accept the connection is given up. */
  readonly connectMs: number;
  /** What arrives is read into it; connections may share one, because nothing stays in it. */
  readonly readBuffer: Buffer;
  /** It can carry another call. */
  readonly onFree: (connection: UpstreamConnection) => void;
  readonly onClose: (connection: UpstreamConnection) => void;
}

/** Time after which a silent TCP connection is probed, so that a machine that is gone is noticed. */
const PROBE_AFTER_MS = 60_000;

/** One connection to an instance, which carries one call at a time. */
export class UpstreamConnection {
  /** For the pool: it has carried no call since the pool last looked. */
  isOld = false;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  #sink: UpstreamSink | undefined;
  #sending: BodySending | undefined;
  #isReading = true;
  #error: Error | undefined;
  #connecting: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#parser = new ResponseParser(options.headerBytes, (end) => this.#responseEnded(end));
    const socket = connect(this.#connectOptions());
    this.#socket = socket;
    this.#connecting = setTimeout(
      () => socket.destroy(new Error("connecting took too long")),
      options.connectMs,
    );
    socket.once("connect", () => clearTimeout(this.#connecting));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => this.#closed());
  }

  /** Sends the first call, when there is a connection. If there is none, `onError` comes without `onStart`. */
  sendWhenConnected(request: UpstreamRequest, sink: UpstreamSink): void {
    this.#sink = sink;
    this.#socket.once("connect", () => {
      // The call may have been aborted.
      if (this.#sink === sink && !this.send(request, sink)) sink.onError(socketError(this.#socket));
    });
  }

  /** False if no byte could be written, because the instance has closed the connection: the sink hears nothing. */
  send(request: UpstreamRequest, sink: UpstreamSink): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded) return false;
    this.isOld = false;
    this.#sink = sink;
    const head = renderHead(request);
    const { body, isChunked } = request;
    const isHead = request.method === "HEAD";
    if (body === undefined) {
      socket.write(head, "latin1");
      // Known at once only if the first attempt to write failed; what fails later may have been sent in part.
      if (socket.errored === null) this.#started(sink, isHead);
      else this.#sink = undefined;
      return socket.errored === null;
    }
    const onStart = () => this.#started(sink, isHead);
    const onFailure = (error: Error) => this.#fail(error);
    this.#sending = new BodySending(socket, { head, body, isChunked, onStart, onFailure });
    return true;
  }

  #started(sink: UpstreamSink, isHead: boolean): void {
    this.#parser.begin(sink, isHead);
    sink.onStart();
  }

  /** Holds the response up; what has been read already still comes. */
  pause(sink: UpstreamSink): void {
    if (this.#sink === sink) this.#isReading = false;
  }

  resume(sink: UpstreamSink): void {
    if (this.#sink !== sink || this.#isReading) return;
    this.#isReading = true;
    this.#socket.resume();
  }

  /** Breaks the call off, and the connection with it. Does nothing if another call is on it. */
  abort(sink: UpstreamSink): void {
    if (this.#sink !== sink) return;
    this.#release();
    this.#socket.destroy();
  }

  /** Breaks a call off that may be under way. */
  destroy(reason?: Error): void {
    if (reason !== undefined) this.#fail(reason);
    this.#socket.destroy();
  }

  #connectOptions(): NetConnectOpts {
    const { address, readBuffer } = this.#options;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    if ("unix" in address) return { path: address.unix, onread } as NetConnectOpts;
    const { host, port } = address;
    return { host, port, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
  }

  /** False stops the reading. */
  #read(length: number): boolean {
    try {
      this.#parser.execute(this.#options.readBuffer, length);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#sink?.onReadEnd();
    return this.#isReading;
  }

  #responseEnded({ keepsAlive }: ResponseEnd): void {
    const isSent = this.#sending?.isOver ?? true;
    this.#release();
    this.#isReading = true;
    if (keepsAlive && isSent) this.#options.onFree(this);
    else this.#socket.destroy();
  }

  #ended(): void {
    try {
      this.#parser.finish();
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#socket.destroy();
  }

  #closed(): void {
    clearTimeout(this.#connecting);
    this.#fail(this.#error ?? socketError(this.#socket));
    this.#options.onClose(this);
  }

  #fail(error: Error): void {
    const sink = this.#sink;
    this.#release();
    this.#socket.destroy();
    sink?.onError(error);
  }

  /** Nothing of this connection is told to the call any more. */
  #release(): void {
    this.#sink = undefined;
    this.#parser.abandon();
    this.#sending?.stop();
    this.#sending = undefined;
  }
}

function socketError(socket: Socket): Error {
  return socket.errored ?? new Error("other side closed");
}
