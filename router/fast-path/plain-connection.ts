import { Socket, type SocketConstructorOpts } from "node:net";
import type { LingeringCloses } from "../../http/lingering-close.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import { inOnePiece, prepare } from "../exchange/request-head.ts";
import type { Router } from "../router.ts";
import { readPlainHead } from "./plain-head.ts";
import { PlainResponse } from "./plain-response.ts";

/** A head up to this size is kept, because the next one of the same client is mostly the same. */
const KNOWN_BYTES = 2 * 1024;

export interface PlainConnectionOptions {
  readonly socket: Socket;
  /** What arrives is read into it; connections may share one, because nothing stays in it. */
  readonly readBuffer: Buffer;
  /** Larger heads are not plain; at most node's limit. */
  readonly headBytes: number;
  readonly lingering: LingeringCloses;
  readonly date: () => string;
  readonly keepAlive: string;
  readonly router: Pick<Router, "take">;
  /** What comes now and later on the connection, is not plain: it is node's from here on. */
  readonly onHandOver: (connection: PlainConnection) => void;
  readonly onClose: (connection: PlainConnection) => void;
}

/** What a head decides about its calls. */
interface Known {
  readonly request: PreparedRequest;
  readonly keepsAlive: boolean;
  readonly isHead: boolean;
}

/** A connection of a client, as long as nothing but plain requests comes on it; one is answered at a time. */
export class PlainConnection {
  #socket: Socket;
  /** For who looks after all connections: times it looked since the last answer. */
  idleLooks = 0;
  /** Nothing has come yet. */
  isFresh = true;
  readonly #options: PlainConnectionOptions;
  /** The last head, and what it decides about its calls: the next head of the same client is mostly the same. */
  #knownText = "";
  #known: Known | undefined;
  #response: PlainResponse | undefined;
  /** What came behind a request that is not answered yet. */
  #behind: Buffer | undefined;
  /** The client may send another request. */
  #keepsAlive = true;
  #isEnding = false;
  #isHandedOver = false;
  /** What arrives is read into the shared buffer. */
  #readsInto = false;
  readonly #onData = (bytes: Buffer) => this.#arrived(bytes, bytes.length);
  readonly #onEnd = () => this.#socket.end();
  readonly #onDrain = () => this.#response?.drained();
  readonly #onClose = () => this.#closed();
  readonly #onFinish = (isLast: boolean) => this.#answered(isLast);
  readonly #takeBehind = () => {
    const bytes = this.#behind;
    this.#behind = undefined;
    if (bytes === undefined || this.#socket.destroyed) return;
    this.#socket.resume();
    this.#take(bytes, bytes.length);
  };
  /** It is kept after its first answer: from now on reading is made cheap. */
  readonly #readInto = () => {
    const socket = this.#socket;
    if (!this.isIdle || this.#isHandedOver || socket.readableLength > 0 || !socket.readable) return;
    const { readBuffer } = this.#options;
    const made = readInto(socket, readBuffer, (length) => this.#arrived(readBuffer, length));
    if (made === undefined) return;
    this.#leave();
    this.#readsInto = true;
    this.#socket = made;
    this.#listen();
    // They are about the other socket.
    this.#knownText = "";
    this.#known = undefined;
  };

  constructor(options: PlainConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#listen();
    this.#socket.on("data", this.#onData);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** No call is on it. */
  get isIdle(): boolean {
    return this.#response === undefined && this.#behind === undefined;
  }

  /** Gives it to node's server, with what has arrived of the next request. */
  handOver(bytes?: Buffer): void {
    const socket = this.#socket;
    this.#isHandedOver = true;
    this.#leave();
    socket.pause();
    if (bytes !== undefined) socket.unshift(bytes);
    this.#options.onHandOver(this);
    socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("end", this.#onEnd).on("drain", this.#onDrain).on("error", ignore).on("close", this.#onClose);
  }

  #leave(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("drain", this.#onDrain);
    socket.off("error", ignore).off("close", this.#onClose);
  }

  /** False stops the reading into the shared buffer. */
  #arrived(bytes: Buffer, length: number): boolean {
    // What node would do by itself.
    if (this.#isHandedOver) return this.#socket.push(Buffer.from(bytes.subarray(0, length)));
    if (this.#isEnding) return true;
    this.isFresh = false;
    if (this.isIdle) {
      this.#take(bytes, length);
      return true;
    }
    const before = this.#behind === undefined ? [] : [this.#behind];
    this.#behind = Buffer.concat([...before, bytes.subarray(0, length)]);
    // The client has to wait for its answers before it can go on.
    const isTooMuch = this.#behind.length > this.#options.headBytes;
    if (isTooMuch) this.#socket.pause();
    return !isTooMuch;
  }

  #take(bytes: Buffer, length: number): void {
    const known = this.#read(bytes, length);
    if (known === undefined) {
      this.handOver(Buffer.from(bytes.subarray(0, length)));
      return;
    }
    const { date, keepAlive, router } = this.#options;
    const { request, keepsAlive, isHead } = known;
    const [socket, onFinish] = [this.#socket, this.#onFinish];
    this.#keepsAlive = keepsAlive;
    const response = new PlainResponse({ socket, isHead, keepsAlive, date, keepAlive, onFinish });
    this.#response = response;
    router.take({ request, response });
  }

  /** Only one head and nothing else: Node answers pipelined requests at the same time. */
  #read(bytes: Buffer, length: number): Known | undefined {
    if (length > this.#options.headBytes) return undefined;
    const text = bytes.toString("latin1", 0, length);
    if (text === this.#knownText) return this.#known;
    const head = readPlainHead(text);
    if (head === undefined) return undefined;
    const socket = this.#socket;
    const prepared = prepare({ ...head, httpVersion: "1.1", httpVersionMinor: 1, socket });
    const request = { ...prepared, text: inOnePiece(prepared.text) };
    this.#known = { request, keepsAlive: head.keepsAlive, isHead: head.method === "HEAD" };
    this.#knownText = text.length <= KNOWN_BYTES ? text : "";
    return this.#known;
  }

  #answered(isLast: boolean): void {
    this.#response = undefined;
    this.idleLooks = 0;
    if (isLast) {
      this.#isEnding = true;
      const isDone = !this.#keepsAlive && this.#behind === undefined;
      this.#behind = undefined;
      this.#options.lingering.close(this.#socket, isDone);
    } else if (this.#behind !== undefined) process.nextTick(this.#takeBehind);
    else if (!this.#readsInto) process.nextTick(this.#readInto);
  }

  #closed(): void {
    this.#behind = undefined;
    this.#response?.close();
    this.#options.onClose(this);
  }
}

/** It is followed by close, which ends the call. */
function ignore(): void {}

/** What node says of `handle` in its own code, and of none of it in its documentation. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * The socket of an accepted connection, made anew so that what arrives is read into `buffer`, as `onread` of node's
 * `connect` does: node has no such option for a server, and allocates for every read. `accepted` must
 * hold nothing that it has read, and ends when the other does, for those who count it.
 * @param onRead is told how many bytes are in `buffer`; false stops the reading
 * @returns undefined for a socket that is closed, or whose handle is not where node has it today: it stays as it is
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
