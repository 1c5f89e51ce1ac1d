import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../../platform/platform.ts";
import { type ResponseEnd, ResponseParser, type ResponseSink } from "./response-parser.ts";

/** A call as its instance gets it. */
export interface UpstreamRequest {
  readonly method: string;
  /** The request line and the fields, without those that frame the body and without the empty line. */
  readonly text: string;
  readonly body: UpstreamBody | undefined;
  /** The instance may switch to a WebSocket (101). */
  readonly isUpgrade?: boolean;
}

/** The body of a call; it frames itself. One that no instance has taken yet can be sent again. */
export interface UpstreamBody {
  /** True when all of it was sent. */
  readonly isSent: boolean;
  sendTo(socket: Socket, text: string, sending: Sending): void;
  /** Lets go of the socket. */
  stop(): void;
}

export interface Sending {
  /** Bytes of the head can have reached the instance. */
  readonly onStart: () => void;
  /** The body broke off, or the head could not be written: then the body is still whole. */
  readonly onFailure: (error: Error) => void;
}

/** The caller of an instance. Gets nothing more after `onEnd`, `onError` or `abort`. */
export interface UpstreamSink extends ResponseSink {
  /** Bytes can have reached the instance from now on. */
  onStart(): void;
  /** Everything that was read has been passed on. */
  onReadEnd(): void;
  /** There is no response, or not all of one. */
  onError(error: Error): void;
}

export interface ConnectionOptions {
  readonly address: Address;
  /** Largest header block of a response, in bytes. */
  readonly headerBytes: number;
  /** Time for an address to accept the connection, in milliseconds. */
  readonly connectMs: number;
  /** Buffer for everything that is read; connections may share one, because nothing stays in it. */
  readonly readBuffer: Buffer;
  /** The connection can carry another call. */
  readonly onFree: (connection: UpstreamConnection) => void;
  readonly onClose: (connection: UpstreamConnection) => void;
}

/** Time after which a silent TCP connection is probed, so that a machine that is gone is noticed. */
const PROBE_AFTER_MS = 60_000;

/** One connection to an instance, which carries one call at a time. */
export class UpstreamConnection {
  /** For the pool: the connection has carried no call since the pool last looked. */
  isOld = false;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  #sink: UpstreamSink | undefined;
  #body: UpstreamBody | undefined;
  #isReading = true;
  #isFinishing = false;
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

  /** Sends the first call once there is a connection. If there is none, `onError` comes without `onStart`. */
  sendWhenConnected(request: UpstreamRequest, sink: UpstreamSink): void {
    this.#sink = sink;
    this.#socket.once("connect", () => {
      // The call may have been aborted.
      if (this.#sink === sink && !this.send(request, sink)) sink.onError(socketError(this.#socket));
    });
  }

  /** Returns false if no byte could be written, because the instance has closed the connection. */
  send({ method, text, body, isUpgrade = false }: UpstreamRequest, sink: UpstreamSink): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded) return false;
    this.isOld = false;
    this.#sink = sink;
    const onStart = () => {
      this.#parser.begin(sink, method === "HEAD", isUpgrade);
      sink.onStart();
    };
    if (body !== undefined) {
      this.#body = body;
      body.sendTo(socket, text, { onStart, onFailure: (error) => this.#fail(error) });
      return true;
    }
    socket.write(`${text}\r\n`, "latin1");
    // Known at once only if the first attempt to write failed; what fails later may have been sent in part.
    if (socket.errored === null) onStart();
    else this.#sink = undefined;
    return socket.errored === null;
  }

  /** Stops reading the response; what was read already still comes. */
  pause(sink: ResponseSink): void {
    if (this.#sink === sink) this.#isReading = false;
  }

  resume(sink: ResponseSink): void {
    if (this.#sink !== sink || this.#isReading) return;
    this.#isReading = true;
    this.#socket.resume();
  }

  /** For the client's side of a WebSocket; what the instance sends still comes to the sink. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Breaks the call off, and the connection with it. Does nothing if another call is on it. */
  abort(sink: ResponseSink): void {
    if (this.#sink !== sink) return;
    this.#release();
    this.#socket.destroy();
  }

  /** Ends the call and closes the connection, but sends what was written before; at most for `withinMs`. */
  finish(sink: ResponseSink, withinMs: number): void {
    if (this.#sink !== sink) return;
    this.#release();
    this.#isFinishing = true;
    const socket = this.#socket;
    socket.destroySoon();
    socket.setTimeout(withinMs, () => socket.destroy());
  }

  /** Breaks off a call that may be under way. */
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

  /** Returns false to stop reading. */
  #read(length: number): boolean {
    if (this.#isFinishing) return true;
    try {
      this.#parser.execute(this.#options.readBuffer, length);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#sink?.onReadEnd();
    return this.#isReading;
  }

  #responseEnded({ keepsAlive }: ResponseEnd): void {
    const isSent = this.#body?.isSent ?? true;
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

  /** The call gets nothing more from this connection. */
  #release(): void {
    this.#sink = undefined;
    this.#parser.abandon();
    this.#body?.stop();
    this.#body = undefined;
  }
}

function socketError(socket: Socket): Error {
  return socket.errored ?? new Error("other side closed");
}
