import type { Socket } from "node:net";
import type { CallRequest } from "./call-request.ts";
import { type PlainHead, readPlainHead } from "./plain-head.ts";
import { PlainResponse } from "./plain-response.ts";

/** A head up to this size is kept, because the next one of the same client is mostly the same. */
const KNOWN_BYTES = 2 * 1024;

export interface PlainConnectionOptions {
  readonly socket: Socket;
  /** Larger heads are not plain; at most node's limit. */
  readonly headBytes: number;
  readonly date: () => string;
  readonly keepAlive: string;
  /** Answers a call. */
  readonly handle: (request: CallRequest, response: PlainResponse) => void;
  /** What comes now and later on the connection, is not plain: it is node's from here on. */
  readonly onHandOver: (connection: PlainConnection) => void;
  readonly onClose: (connection: PlainConnection) => void;
}

/** A connection of a client, as long as nothing but plain requests comes on it; one is answered at a time. */
export class PlainConnection {
  readonly socket: Socket;
  /** For who looks after all connections: times it looked since the last answer. */
  idleLooks = 0;
  /** Nothing has come yet. */
  isFresh = true;
  readonly #options: PlainConnectionOptions;
  #knownText = "";
  #known: PlainHead | undefined;
  #request: CallRequest | undefined;
  #response: PlainResponse | undefined;
  /** What came behind a request that is not answered yet. */
  #behind: Buffer | undefined;
  #isEnding = false;
  readonly #onData = (bytes: Buffer) => this.#arrived(bytes);
  readonly #onEnd = () => this.socket.end();
  readonly #onDrain = () => this.#response?.drained();
  readonly #onClose = () => this.#closed();
  readonly #onFinish = (isLast: boolean) => this.#answered(isLast);
  readonly #takeBehind = () => {
    const bytes = this.#behind;
    this.#behind = undefined;
    if (bytes === undefined || this.socket.destroyed) return;
    this.socket.resume();
    this.#take(bytes);
  };

  constructor(options: PlainConnectionOptions) {
    this.#options = options;
    const { socket } = options;
    this.socket = socket;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("drain", this.#onDrain);
    socket.on("error", ignore).on("close", this.#onClose);
  }

  /** No call is on it. */
  get isIdle(): boolean {
    return this.#response === undefined && this.#behind === undefined;
  }

  /** Gives it to node's server, with what has arrived of the next request. */
  handOver(bytes?: Buffer): void {
    const { socket } = this;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("drain", this.#onDrain);
    socket.off("error", ignore).off("close", this.#onClose);
    socket.pause();
    if (bytes !== undefined) socket.unshift(bytes);
    this.#options.onHandOver(this);
    socket.resume();
  }

  #arrived(bytes: Buffer): void {
    if (this.#isEnding) return;
    this.isFresh = false;
    if (this.isIdle) {
      this.#take(bytes);
      return;
    }
    this.#behind = this.#behind === undefined ? bytes : Buffer.concat([this.#behind, bytes]);
    // The client has to wait for its answers before it can go on.
    if (this.#behind.length > this.#options.headBytes) this.socket.pause();
  }

  #take(bytes: Buffer): void {
    const head = this.#read(bytes);
    if (head === undefined) {
      this.handOver(bytes);
      return;
    }
    const { date, keepAlive, handle } = this.#options;
    const request = this.#request!;
    const { keepsAlive } = head;
    const response = new PlainResponse({ request, keepsAlive, date, keepAlive, onFinish: this.#onFinish });
    this.#response = response;
    handle(request, response);
  }

  /** Only what is one head and nothing else: node answers pipelined requests at the same time. */
  #read(bytes: Buffer): PlainHead | undefined {
    if (bytes.length > this.#options.headBytes) return undefined;
    const text = bytes.toString("latin1");
    if (text === this.#knownText) return this.#known;
    const head = readPlainHead(text);
    if (head === undefined) return undefined;
    const { method, url, rawHeaders, headers } = head;
    const { socket } = this;
    this.#request = { method, url, rawHeaders, headers, httpVersion: "1.1", httpVersionMinor: 1, socket };
    this.#known = head;
    this.#knownText = text.length <= KNOWN_BYTES ? text : "";
    return head;
  }

  #answered(isLast: boolean): void {
    this.#response = undefined;
    this.idleLooks = 0;
    if (isLast) {
      this.#isEnding = true;
      this.#behind = undefined;
      this.socket.destroySoon();
    } else if (this.#behind !== undefined) process.nextTick(this.#takeBehind);
  }

  #closed(): void {
    this.#behind = undefined;
    this.#response?.close();
    this.#options.onClose(this);
  }
}

/** It is followed by close, which ends the call. */
function ignore(): void {}
