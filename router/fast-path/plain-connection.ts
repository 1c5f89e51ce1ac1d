import type { Socket } from "node:net";
import type { HttpDate } from "../../http/http-date.ts";
import type { LingeringCloses } from "../../http/lingering-close.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import { flat, prepare } from "../exchange/request-head.ts";
import type { Router } from "../router.ts";
import { INVALID, PlainBody } from "./plain-body.ts";
import { mayBecomePlain, readPlainHead } from "./plain-head.ts";
import { PlainResponse } from "./plain-response.ts";
import { readInto } from "./read-into.ts";

/** A head up to this size is cached, because most clients repeat theirs. */
const KNOWN_BYTES = 2 * 1024;
/** Heads cached for a connection: many clients alternate between two. */
const MOST_KNOWN = 2;
/** Other paths are read only while functions have host names. */
const CALLS = "/fn/";
const HEAD_END = "\r\n\r\n";

/** Options of all connections of a server. */
export interface SharedOptions {
  readonly router: Pick<Router, "take" | "ingress">;
  /** Closes connections after their last response. */
  readonly lingering: LingeringCloses;
  /** Largest head of a plain request, in bytes; at most Node's limit. */
  readonly headBytes: number;
  /** Receives what arrives. Connections share it, because no data stays in it. */
  readonly readBuffer: Buffer;
  readonly date: HttpDate;
  readonly keepAlive: string;
  /** Called when the next request is not plain; every byte of it is still to be read. */
  readonly onHandOver: (connection: PlainConnection) => void;
  /** Refuses a request that did not arrive whole, and closes the connection. */
  readonly onIncomplete: (reason: "late" | "ended", socket: Socket) => void;
  readonly onClose: (connection: PlainConnection) => void;
}

/** The results of parsing a head. */
interface Known {
  readonly bytes: Buffer;
  readonly request: PreparedRequest;
  readonly keepsAlive: boolean;
  readonly isHead: boolean;
  /** See `PlainHead`. */
  readonly length: number | undefined;
}

/** A client's connection that has carried plain requests only. It answers one at a time, in order. */
export class PlainConnection {
  /** Replaced after the first answer. */
  socket: Socket;
  /** For the owner: checks since the connection began to wait for its client. */
  checks = 0;
  /** No byte has arrived. */
  isFresh = true;
  readonly #shared: SharedOptions;
  /** The most recently used one is the first. */
  readonly #known: Known[] = [];
  /** The host names of functions when the cached heads were parsed. */
  #knownRevision = -1;
  #response: PlainResponse | undefined;
  /** The body that has not arrived whole. */
  #body: PlainBody | undefined;
  /** Bytes after a request that is not answered yet, or the beginning of a head. */
  #rest: Buffer | undefined;
  /** The client may send another request. */
  #keepsAlive = true;
  #isEnding = false;
  #isHandedOver = false;
  #usesBuffer = false;
  /** What arrived is not in the shared buffer: it need not be copied. */
  #isOwned = true;
  readonly #onData = (bytes: Buffer) => this.#arrived(bytes);
  readonly #onEnd = () => this.#ended();
  readonly #onDrain = () => this.#response?.drained();
  readonly #onClose = () => this.#closed();
  readonly #onFinish = (isLast: boolean) => this.#answered(isLast);
  readonly #takeRest = () => {
    // More may have arrived since, and have been taken with it.
    if (this.state !== "head" || this.socket.destroyed) return;
    this.#isOwned = true;
    this.socket.resume();
    this.#take(this.#rest!);
  };
  /** Makes reads cheap once a connection has stayed open after its first answer. */
  readonly #useBuffer = () => {
    const { socket } = this;
    if (this.state !== "idle" || this.#isHandedOver || socket.readableLength > 0 || !socket.readable) return;
    const replacement = readInto(socket, this.#shared.readBuffer, (length) => this.#read(length));
    if (replacement === undefined) return;
    this.#unlisten();
    this.#usesBuffer = true;
    this.socket = replacement;
    this.#listen();
    // The cached heads refer to the other socket.
    this.#known.length = 0;
  };

  constructor(socket: Socket, shared: SharedOptions) {
    this.#shared = shared;
    this.socket = socket;
    this.#listen();
    socket.on("data", this.#onData);
  }

  /** What the connection waits for: a call, a request, or the rest of one. */
  get state(): "busy" | "idle" | "head" | "discarding" {
    if (this.#response !== undefined) return "busy";
    if (this.#body !== undefined) return "discarding";
    return this.#rest === undefined ? "idle" : "head";
  }

  /** Hands the connection to Node's server, with the bytes of the next request. */
  handOver(bytes = this.#rest!): void {
    const { socket } = this;
    this.#isHandedOver = true;
    this.#unlisten();
    socket.pause();
    socket.unshift(this.#owned(bytes));
    this.#shared.onHandOver(this);
    socket.resume();
  }

  /** Refuses a request that did not arrive whole. */
  refuse(reason: "late" | "ended"): void {
    this.#isEnding = true;
    this.#shared.onIncomplete(reason, this.socket);
  }

  /** Ends the connection in a way that its client can still read what was sent. */
  end(isDone = false): void {
    this.#isEnding = true;
    this.#rest = undefined;
    this.#body = undefined;
    this.#shared.lingering.close(this.socket, isDone);
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

  /** Returns false to stop reading. */
  #read(length: number): boolean {
    const bytes = this.#shared.readBuffer.subarray(0, length);
    // As Node's own reads do.
    if (this.#isHandedOver) return this.socket.push(Buffer.from(bytes));
    this.#isOwned = false;
    this.#arrived(bytes);
    return !this.socket.isPaused();
  }

  /** Returns bytes that stay what they are after this read. */
  #owned(bytes: Buffer): Buffer {
    return this.#isOwned ? bytes : Buffer.from(bytes);
  }

  #arrived(bytes: Buffer): void {
    if (this.#isEnding) return;
    this.isFresh = false;
    if (this.#body !== undefined) this.#takeBody(this.#body, bytes);
    else if (this.#response !== undefined) this.#keep(bytes);
    else if (this.#rest === undefined) {
      this.checks = 0;
      this.#take(bytes);
    } else {
      const all = Buffer.concat([this.#rest, bytes]);
      this.#isOwned = true;
      this.#take(all);
    }
  }

  /** Keeps what follows a request that is not answered: its client has to read answers before it can go on. */
  #keep(bytes: Buffer): void {
    this.#rest = this.#rest === undefined ? this.#owned(bytes) : Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length > this.#shared.headBytes) this.socket.pause();
  }

  #takeBody(body: PlainBody, bytes: Buffer): void {
    const next = body.execute(bytes, 0, this.#isOwned);
    if (next === INVALID) {
      this.#break(body);
      return;
    }
    // The answer may have been the last one: what follows the body is not processed.
    if (!body.isComplete || this.#isEnding) return;
    this.#body = undefined;
    this.checks = 0;
    if (next === bytes.length) return;
    if (this.#response === undefined) this.#take(bytes.subarray(next));
    else this.#keep(bytes.subarray(next));
  }

  #break(body: PlainBody): void {
    const response = this.#response;
    if (response === undefined) this.end();
    else {
      // What arrives from now on is discarded.
      this.#isEnding = true;
      response.shouldKeepAlive = false;
      body.break("its body is not valid");
    }
  }

  /** Takes the next request. Nothing of it is passed on before everything that is here was accepted. */
  #take(bytes: Buffer): void {
    this.#rest = undefined;
    const known = this.#readHead(bytes);
    if (known === "partial") {
      this.#rest = this.#owned(bytes);
      return;
    }
    if (known === undefined) {
      this.handOver(bytes);
      return;
    }
    const { request, keepsAlive, isHead, length, bytes: head } = known;
    let next = head.length;
    let body: PlainBody | undefined;
    if (length !== 0) {
      body = new PlainBody(length, this);
      next = body.execute(bytes, next, this.#isOwned);
      if (next === INVALID) {
        this.handOver(bytes);
        return;
      }
      if (!body.isComplete) this.#body = body;
    }
    if (next < bytes.length) this.#keep(bytes.subarray(next));
    this.#keepsAlive = keepsAlive;
    const { date, keepAlive, router } = this.#shared;
    const [socket, onFinish] = [this.socket, this.#onFinish];
    const response = new PlainResponse({ socket, isHead, keepsAlive, date, keepAlive, onFinish });
    this.#response = response;
    router.take({ request, response, body });
  }

  #readHead(bytes: Buffer): Known | "partial" | undefined {
    const { router, headBytes } = this.#shared;
    const { ingress } = router;
    const { byName, revision } = ingress.hosts;
    const all = this.#known;
    if (revision !== this.#knownRevision) all.length = 0;
    for (let i = 0; i < all.length; i++) {
      const known = all[i]!;
      if (!bytes.subarray(0, known.bytes.length).equals(known.bytes)) continue;
      if (i > 0) [all[0], all[i]] = [known, all[0]!];
      return known;
    }
    const end = bytes.indexOf(HEAD_END, 0, "latin1");
    if (end < 0 && bytes.length <= headBytes && mayBecomePlain(bytes.toString("latin1", 0, 16)))
      return "partial";
    if (end < 0 || end > headBytes) return undefined;
    const text = bytes.toString("latin1", 0, end + HEAD_END.length);
    const head = readPlainHead(text, byName.size === 0 ? CALLS : "/");
    if (head === undefined) return undefined;
    const { socket } = this;
    const prepared = prepare({ ...head, httpVersion: "1.1", httpVersionMinor: 1, socket }, ingress);
    // Not below /fn, and not at a host of a function.
    if (prepared.target === undefined && !head.url.startsWith(CALLS)) return undefined;
    const { keepsAlive, length } = head;
    const request = { ...prepared, text: flat(prepared.text) };
    const isHead = head.method === "HEAD";
    const known = { bytes: Buffer.from(text, "latin1"), request, keepsAlive, isHead, length };
    this.#knownRevision = revision;
    if (text.length <= KNOWN_BYTES) {
      if (all.length === MOST_KNOWN) all.pop();
      all.unshift(known);
    }
    return known;
  }

  #answered(isLast: boolean): void {
    this.#response = undefined;
    this.checks = 0;
    if (isLast || this.#isEnding)
      this.end(!this.#keepsAlive && this.#rest === undefined && this.#body === undefined);
    else if (this.#rest !== undefined) process.nextTick(this.#takeRest);
    else if (!this.#usesBuffer) process.nextTick(this.#useBuffer);
  }

  /** The client has ended its side. It has left, as for Node, and gets an answer only to an incomplete request. */
  #ended(): void {
    if (this.#isEnding) return;
    const { state } = this;
    if (state === "discarding") this.end();
    else if (state === "head" || (this.#body !== undefined && !this.#response!.headersSent)) {
      this.refuse("ended");
    } else if (this.#body !== undefined) this.socket.destroy();
    else this.socket.end();
  }

  #closed(): void {
    this.#rest = undefined;
    this.#response?.close();
    this.#shared.onClose(this);
  }
}

/** An error is followed by close, which ends the call. */
function ignore(): void {}
