import { Socket, type SocketConstructorOpts } from "node:net";
import type { LingeringCloses } from "../../http/lingering-close.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import { flat, prepare } from "../exchange/request-head.ts";
import type { Router } from "../router.ts";
import { readPlainHead } from "./plain-head.ts";
import { PlainResponse } from "./plain-response.ts";

/** A head up to this size is cached, because most clients repeat theirs. */
const KNOWN_BYTES = 2 * 1024;
/** Other paths are read only while functions have host names. */
const CALLS = "/fn/";

/** Options of all connections of a server. */
export interface SharedOptions {
  readonly router: Pick<Router, "take" | "ingress">;
  /** Closes connections after their last response. */
  readonly lingering: LingeringCloses;
  /** Largest head of a plain request, in bytes; at most Node's limit. */
  readonly headBytes: number;
  /** Receives what arrives. Connections share it, because no data stays in it. */
  readonly readBuffer: Buffer;
  readonly date: () => string;
  readonly keepAlive: string;
  /** Called when the next request is not plain; every byte of it is still to be read. */
  readonly onHandOver: (connection: PlainConnection) => void;
  readonly onClose: (connection: PlainConnection) => void;
}

/** The results of parsing a head. */
interface Known {
  readonly request: PreparedRequest;
  readonly keepsAlive: boolean;
  readonly isHead: boolean;
}

/** A client's connection that has carried plain requests only. It answers one at a time. */
export class PlainConnection {
  /** Replaced after the first answer. */
  socket: Socket;
  /** For the owner: checks since the last answer. */
  idleChecks = 0;
  /** No byte has arrived. */
  isFresh = true;
  readonly #shared: SharedOptions;
  #knownText = "";
  #known: Known | undefined;
  /** The host names of functions when the cached head was parsed. */
  #knownRevision = -1;
  #response: PlainResponse | undefined;
  /** Bytes after a request that is not answered yet. */
  #behind: Buffer | undefined;
  /** The client may send another request. */
  #keepsAlive = true;
  #isEnding = false;
  #isHandedOver = false;
  #usesBuffer = false;
  readonly #onData = (bytes: Buffer) => this.#arrived(bytes, bytes.length);
  readonly #onEnd = () => this.socket.end();
  readonly #onDrain = () => this.#response?.drained();
  readonly #onClose = () => this.#closed();
  readonly #onFinish = (isLast: boolean) => this.#answered(isLast);
  readonly #takeBehind = () => {
    const bytes = this.#behind;
    this.#behind = undefined;
    if (bytes === undefined || this.socket.destroyed) return;
    this.socket.resume();
    this.#take(bytes, bytes.length);
  };
  /** Makes reads cheap once a connection has stayed open after its first answer. */
  readonly #useBuffer = () => {
    const { socket } = this;
    if (!this.isIdle || this.#isHandedOver || socket.readableLength > 0 || !socket.readable) return;
    const { readBuffer } = this.#shared;
    const replacement = readInto(socket, readBuffer, (length) => this.#arrived(readBuffer, length));
    if (replacement === undefined) return;
    this.#unlisten();
    this.#usesBuffer = true;
    this.socket = replacement;
    this.#listen();
    // The cached head refers to the other socket.
    this.#knownText = "";
    this.#known = undefined;
  };

  constructor(socket: Socket, shared: SharedOptions) {
    this.#shared = shared;
    this.socket = socket;
    this.#listen();
    socket.on("data", this.#onData);
  }

  /** No call is on it. */
  get isIdle(): boolean {
    return this.#response === undefined && this.#behind === undefined;
  }

  /** Hands the connection to Node's server, with the bytes of the next request. */
  handOver(bytes?: Buffer): void {
    const { socket } = this;
    this.#isHandedOver = true;
    this.#unlisten();
    socket.pause();
    if (bytes !== undefined) socket.unshift(bytes);
    this.#shared.onHandOver(this);
    socket.resume();
  }

  #listen(): void {
    const { socket } = this;
    socket.on("end", this.#onEnd).on("drain", this.#onDrain).on("error", ignore).on("close", this.#onClose);
  }

  #unlisten(): void {
    const { socket } = this;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("drain", this.#onDrain);
    socket.off("error", ignore).off("close", this.#onClose);
  }

  /** Returns false to stop reading into the shared buffer. */
  #arrived(bytes: Buffer, length: number): boolean {
    // As Node's own reads do.
    if (this.#isHandedOver) return this.socket.push(Buffer.from(bytes.subarray(0, length)));
    if (this.#isEnding) return true;
    this.isFresh = false;
    if (this.isIdle) {
      this.#take(bytes, length);
      return true;
    }
    const before = this.#behind === undefined ? [] : [this.#behind];
    this.#behind = Buffer.concat([...before, bytes.subarray(0, length)]);
    // The client has to read its answers before it can go on.
    const isTooMuch = this.#behind.length > this.#shared.headBytes;
    if (isTooMuch) this.socket.pause();
    return !isTooMuch;
  }

  #take(bytes: Buffer, length: number): void {
    const known = this.#read(bytes, length);
    if (known === undefined) {
      this.handOver(Buffer.from(bytes.subarray(0, length)));
      return;
    }
    const { request, keepsAlive, isHead } = known;
    const { date, keepAlive, router } = this.#shared;
    const [socket, onFinish] = [this.socket, this.#onFinish];
    this.#keepsAlive = keepsAlive;
    const response = new PlainResponse({ socket, isHead, keepsAlive, date, keepAlive, onFinish });
    this.#response = response;
    router.take({ request, response });
  }

  /** Accepts one head and nothing after it: Node answers pipelined requests at the same time. */
  #read(bytes: Buffer, length: number): Known | undefined {
    if (length > this.#shared.headBytes) return undefined;
    const text = bytes.toString("latin1", 0, length);
    const { ingress } = this.#shared.router;
    const { byName, revision } = ingress.hosts;
    if (text === this.#knownText && revision === this.#knownRevision) return this.#known;
    const head = readPlainHead(text, byName.size === 0 ? CALLS : "/");
    if (head === undefined) return undefined;
    const { socket } = this;
    const prepared = prepare({ ...head, httpVersion: "1.1", httpVersionMinor: 1, socket }, ingress);
    // Not below /fn, and not at a host of a function.
    if (prepared.target === undefined && !head.url.startsWith(CALLS)) return undefined;
    const request = { ...prepared, text: flat(prepared.text) };
    this.#known = { request, keepsAlive: head.keepsAlive, isHead: head.method === "HEAD" };
    this.#knownText = text.length <= KNOWN_BYTES ? text : "";
    this.#knownRevision = revision;
    return this.#known;
  }

  #answered(isLast: boolean): void {
    this.#response = undefined;
    this.idleChecks = 0;
    if (isLast) {
      this.#isEnding = true;
      const isDone = !this.#keepsAlive && this.#behind === undefined;
      this.#behind = undefined;
      this.#shared.lingering.close(this.socket, isDone);
    } else if (this.#behind !== undefined) process.nextTick(this.#takeBehind);
    else if (!this.#usesBuffer) process.nextTick(this.#useBuffer);
  }

  #closed(): void {
    this.#behind = undefined;
    this.#response?.close();
    this.#shared.onClose(this);
  }
}

/** An error is followed by close, which ends the call. */
function ignore(): void {}

/** An internal member of Node's sockets. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * Returns a new socket for an accepted connection that reads into `buffer`, as the option `onread` of Node's
 * `connect` does: servers have no such option, and Node allocates for every read. `accepted` must hold no
 * unread data. It is destroyed with the new socket, for servers that count connections.
 * @param onRead called with the number of bytes in `buffer`; returns false to stop reading
 * @returns undefined if the socket is closed or has no handle where Node 24 keeps it: it is unchanged then
 */
export function readInto(
  accepted: Socket,
  buffer: Buffer,
  onRead: (length: number) => boolean,
): Socket | undefined {
  const { _handle: handle } = accepted as unknown as WithHandle;
  if (handle === null || handle === undefined) return undefined;
  (accepted as unknown as WithHandle)._handle = null;
  const { allowHalfOpen } = accepted;
  const onread = { buffer, callback: onRead };
  const socket = new Socket({ handle, allowHalfOpen, onread } as object as SocketConstructorOpts);
  return socket.once("close", () => accepted.destroy());
}
