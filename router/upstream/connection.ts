import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../../platform/platform.ts";
import type { UpstreamHead } from "./response-head.ts";
import { ResponseParser, type ResponseSink } from "./response-parser.ts";

/** A call in the form that its instance gets. */
export interface UpstreamRequest {
  readonly method: string;
  /** The request line and the fields, without those that frame the body and without the empty line. */
  readonly text: string;
  readonly body: UpstreamBody | undefined;
  /** The instance may switch to a WebSocket (101). */
  readonly isUpgrade?: boolean;
}

/** The body of a call; it frames itself. It can be sent again until an instance has accepted it. */
export interface UpstreamBody {
  readonly isSent: boolean;
  sendTo(socket: Socket, text: string, sending: Sending): void;
  /** More can be written to the socket. */
  drained(): void;
  /** Releases the socket. */
  stop(): void;
}

export interface Sending {
  /** Called when bytes of the head can have reached the instance. */
  onStart(): void;
  /** Called instead when the head could not be written: the body is still complete. */
  onFailure(error: Error): void;
}

/** The caller of an instance. None of its members is called after `onEnd`, `onError` or `abort`. */
export interface UpstreamSink extends ResponseSink {
  /** Called when bytes can have reached the instance. */
  onStart(): void;
  /** Called when everything that was read has been passed on. */
  onReadEnd(): void;
  /** Called when there is no response, or an incomplete one. */
  onError(error: Error): void;
}

/** Options of all connections to one instance. */
export interface ConnectionOptions {
  readonly address: Address;
  /** Largest header block of a response, in bytes. */
  readonly headerBytes: number;
  /** Receives everything that is read. Connections share it, because no data stays in it. */
  readonly readBuffer: Buffer;
  /** Called when the connection can carry another call. */
  readonly onFree: (connection: UpstreamConnection) => void;
  readonly onClose: (connection: UpstreamConnection) => void;
}

/** Time for an address to accept a connection, in milliseconds. */
const CONNECT_MS = 3_000;
/** Idle time after which a TCP connection is probed, in milliseconds: a machine that is gone sends no FIN. */
const PROBE_AFTER_MS = 60_000;

/** What a foreign server is taken to say by accepting a connection. */
const ACCEPTED: UpstreamHead = { status: 204, headers: [], length: 0, keepsAlive: false, isBusy: false };

/** One connection to an instance, which carries one call at a time. */
export class UpstreamConnection implements Sending {
  /** For the owner: the connection has carried no call since its last check. */
  isOld = false;
  /** For the client's side of a WebSocket; the sink still gets what the instance sends. */
  readonly socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #parser: ResponseParser;
  #sink: UpstreamSink | undefined;
  #body: UpstreamBody | undefined;
  #isHead = false;
  #isUpgrade = false;
  #isReading = true;
  #isFinishing = false;
  #error: Error | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#parser = new ResponseParser(options.headerBytes, (keepsAlive) => this.#responseEnded(keepsAlive));
    const socket = connect(this.#connectOptions());
    this.socket = socket;
    const timer = setTimeout(() => socket.destroy(new Error("connecting took too long")), CONNECT_MS);
    socket.once("connect", () => clearTimeout(timer));
    socket.on("drain", () => this.#body?.drained());
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => {
      clearTimeout(timer);
      this.#fail(this.#error ?? socketError(socket));
      options.onClose(this);
    });
  }

  /** Sends the first call once connected. If the connection fails, `onError` is called without `onStart`. */
  sendWhenConnected(request: UpstreamRequest, sink: UpstreamSink): void {
    this.#sink = sink;
    this.socket.once("connect", () => {
      // The call may have been aborted.
      if (this.#sink !== sink || this.send(request, sink)) return;
      this.#sink = undefined;
      sink.onError(socketError(this.socket));
    });
  }

  /** Reports whether the address accepts a connection, which is closed then. */
  knock(sink: UpstreamSink): void {
    this.#sink = sink;
    this.socket.once("connect", () => {
      if (this.#sink !== sink) return;
      this.#release();
      this.socket.destroy();
      sink.onStart();
      sink.onHead(ACCEPTED);
      sink.onEnd([]);
    });
  }

  /** Returns false if no byte could be written, because the instance has closed the connection. */
  send({ method, text, body, isUpgrade = false }: UpstreamRequest, sink: UpstreamSink): boolean {
    const { socket } = this;
    if (socket.destroyed || socket.readableEnded) return false;
    this.isOld = false;
    this.#sink = sink;
    this.#isHead = method === "HEAD";
    this.#isUpgrade = isUpgrade;
    if (body !== undefined) {
      this.#body = body;
      body.sendTo(socket, text, this);
      return true;
    }
    socket.write(`${text}\r\n`, "latin1");
    // Only a failure of the first write is known at once; after a later one bytes may have been sent.
    if (socket.errored === null) this.onStart();
    else this.#sink = undefined;
    return socket.errored === null;
  }

  onStart(): void {
    const sink = this.#sink!;
    this.#parser.begin(sink, this.#isHead, this.#isUpgrade);
    sink.onStart();
  }

  onFailure(error: Error): void {
    this.#fail(error);
  }

  /** Stops reading the response; data that was read already is still passed on. */
  pause(sink: ResponseSink): void {
    if (this.#sink === sink) this.#isReading = false;
  }

  resume(sink: ResponseSink): void {
    if (this.#sink !== sink || this.#isReading) return;
    this.#isReading = true;
    this.socket.resume();
  }

  /** Breaks the call off, and the connection with it. Does nothing if another call is on it. */
  abort(sink: ResponseSink): void {
    if (this.#sink !== sink) return;
    this.#release();
    this.socket.destroy();
  }

  /** Ends the call and closes the connection after what was written before; at most `withinMs` later. */
  finish(sink: ResponseSink, withinMs: number): void {
    if (this.#sink !== sink) return;
    this.#release();
    this.#isFinishing = true;
    this.socket.destroySoon();
    this.socket.setTimeout(withinMs, () => this.socket.destroy());
  }

  /** Breaks off a call in flight with `reason`. */
  destroy(reason?: Error): void {
    if (reason !== undefined) this.#fail(reason);
    this.socket.destroy();
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

  #responseEnded(keepsAlive: boolean): void {
    const isSent = this.#body?.isSent ?? true;
    this.#release();
    this.#isReading = true;
    if (keepsAlive && isSent) this.#options.onFree(this);
    else this.socket.destroy();
  }

  #ended(): void {
    try {
      this.#parser.finish();
    } catch (error) {
      this.#fail(error as Error);
    }
    this.socket.destroy();
  }

  #fail(error: Error): void {
    const sink = this.#sink;
    this.#release();
    this.socket.destroy();
    sink?.onError(error);
  }

  /** Detaches the call from the connection. */
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
