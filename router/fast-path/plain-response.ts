import type { Socket } from "node:net";
import { renderFields } from "../exchange/request-head.ts";
import type { ClientResponse, ResponseHead } from "../exchange/response.ts";
import { renderHead } from "../upstream/response-head.ts";

export interface PlainResponseOptions {
  readonly socket: Socket;
  /** A response to HEAD has no body. */
  readonly isHead: boolean;
  readonly keepsAlive: boolean;
  /** Returns the value of `Date`. */
  readonly date: () => string;
  /** The fields of a connection that stays open, as lines. */
  readonly keepAlive: string;
  /** Called when everything was handed to the system. `isLast`: the connection ends with this response. */
  readonly onFinish: (isLast: boolean) => void;
}

/** Writes a response to the socket, with the same bytes as Node's server. */
export class PlainResponse implements ClientResponse {
  shouldKeepAlive: boolean;
  statusCode = 200;
  headersSent = false;
  destroyed = false;
  writableFinished = false;
  readonly #options: PlainResponseOptions;
  readonly #socket: Socket;
  /** Held until the first part of the body: one buffer, one system call. */
  #head = "";
  #hasBody = true;
  #isChunked = false;
  #isLast = false;
  #isEnded = false;
  #closeListener: (() => void) | undefined;
  #drainListener: (() => void) | undefined;

  constructor(options: PlainResponseOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.shouldKeepAlive = options.keepsAlive;
  }

  onClose(listener: () => void): void {
    this.#closeListener = listener;
  }

  onDrain(listener: () => void): void {
    this.#drainListener = listener;
  }

  writeInformation(head: ResponseHead): void {
    if (this.#socket.writable) this.#socket.write(`${renderHead(head).text}\r\n`, "latin1");
  }

  writeHead(head: ResponseHead, own: readonly string[]): void {
    const { status } = head;
    this.statusCode = status;
    this.headersSent = true;
    const { text, hasDate, hasLength } = head.rendered ?? renderHead(head);
    let ownLines = "";
    for (let i = 0; i < own.length; i += 2) ownLines += `${own[i]}: ${own[i + 1]}\r\n`;
    if (status === 101) {
      this.#isLast = true;
      this.#head = `${text}${ownLines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      return;
    }
    const { date, keepAlive, isHead } = this.#options;
    const dateLine = hasDate ? "" : `Date: ${date()}\r\n`;
    const connection = this.shouldKeepAlive ? keepAlive : "Connection: close\r\n";
    this.#isLast = !this.shouldKeepAlive;
    this.#hasBody = !isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    const end = this.#isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    this.#head = text + ownLines + dateLine + connection + end;
  }

  flushHead(): void {
    if (this.#head === "" || !this.#socket.writable) return;
    this.#socket.write(this.#head, "latin1");
    this.#head = "";
  }

  write(part: Buffer): boolean {
    const socket = this.#socket;
    // A client that has ended its side is gone, as for Node: the close event follows.
    if (!socket.writable || !this.#hasBody || part.length === 0) return true;
    const before = this.#isChunked ? `${this.#head}${part.length.toString(16)}\r\n` : this.#head;
    this.#head = "";
    socket.cork();
    if (before !== "") socket.write(before, "latin1");
    let goesOn = socket.write(part);
    if (this.#isChunked) goesOn = socket.write("\r\n", "latin1");
    socket.uncork();
    return goesOn;
  }

  end(body: Buffer | string = "", trailers: readonly string[] = []): void {
    if (this.#isEnded || this.destroyed) return;
    this.#isEnded = true;
    if (typeof body === "object") this.write(body);
    let text = this.#head;
    this.#head = "";
    if (typeof body === "string" && this.#hasBody && body !== "") {
      text += this.#isChunked ? `${body.length.toString(16)}\r\n${body}\r\n` : body;
    }
    if (this.#isChunked) text += `0\r\n${renderFields(trailers)}\r\n`;
    const socket = this.#socket;
    if (!socket.writable) return;
    if (text !== "") socket.write(text, "latin1");
    // Mostly the system has taken everything at once. If not, an empty write calls back when it has.
    if (socket.writableLength > 0) socket.write("", (error) => this.#written(error));
    else this.#written(socket.errored);
  }

  truncate(): void {
    this.#socket.destroy();
  }

  /** For the connection: more can be written. */
  drained(): void {
    const listener = this.#drainListener;
    this.#drainListener = undefined;
    listener?.();
  }

  /** For the connection: it is closed. */
  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#closeListener?.();
  }

  #written(error: Error | null | undefined): void {
    if (error || this.destroyed) return;
    this.writableFinished = true;
    this.#options.onFinish(this.#isLast);
    this.close();
  }
}
