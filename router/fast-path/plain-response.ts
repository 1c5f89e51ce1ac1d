import type { Socket } from "node:net";
import type { HttpDate } from "../../http/http-date.ts";
import { renderFields, TEXT_BYTES } from "../exchange/request-head.ts";
import type { ClientResponse, ResponseHead } from "../exchange/response.ts";
import { renderHead } from "../upstream/response-head.ts";

export interface PlainResponseOptions {
  readonly socket: Socket;
  /** A response to HEAD has no body. */
  readonly isHead: boolean;
  readonly keepsAlive: boolean;
  readonly date: HttpDate;
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
  bytesSent = 0;
  readonly #options: PlainResponseOptions;
  readonly #socket: Socket;
  /** Not written yet: what is there at once is sent at once. */
  #text = "";
  /** Parts of the body are held in the socket. */
  #isCorked = false;
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
    this.#text += `${renderHead(head).text}\r\n`;
    this.flush();
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
      this.#text += `${text}${ownLines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      return;
    }
    const { date, keepAlive, isHead } = this.#options;
    const dateLine = hasDate ? "" : `Date: ${date.now()}\r\n`;
    const connection = this.shouldKeepAlive ? keepAlive : "Connection: close\r\n";
    this.#isLast = !this.shouldKeepAlive;
    this.#hasBody = !isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    const end = this.#isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    this.#text += text + ownLines + dateLine + connection + end;
  }

  write(part: Buffer): void {
    const { length } = part;
    if (!this.#hasBody || length === 0) return;
    if (this.#isChunked) this.#text += `${length.toString(16)}\r\n`;
    if (this.#text.length + length <= TEXT_BYTES) this.#text += part.toString("latin1");
    else this.#writeLarge(part);
    if (this.#isChunked) this.#text += "\r\n";
  }

  flush(): boolean {
    const socket = this.#socket;
    const text = this.#text;
    this.#text = "";
    // A client that has ended its side is gone, as for Node: the close event follows.
    if (text !== "" && socket.writable) {
      socket.write(text, "latin1");
      this.bytesSent += text.length;
    }
    if (this.#isCorked) socket.uncork();
    this.#isCorked = false;
    return !socket.writableNeedDrain;
  }

  end(body = "", trailers: readonly string[] = []): void {
    if (this.#isEnded || this.destroyed) return;
    this.#isEnded = true;
    if (this.#hasBody && body !== "") {
      this.#text += this.#isChunked ? `${body.length.toString(16)}\r\n${body}\r\n` : body;
    }
    if (this.#isChunked) this.#text += `0\r\n${renderFields(trailers)}\r\n`;
    this.flush();
    const socket = this.#socket;
    if (!socket.writable) return;
    // Mostly the system has taken everything at once. If not, an empty write calls back when it has.
    if (socket.writableLength > 0) socket.write("", (error) => this.#written(error));
    else this.#written(socket.errored);
  }

  truncate(): void {
    this.flush();
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

  /** Copies the part, with the text before it: the next read overwrites it, and the client may be slow. */
  #writeLarge(part: Buffer): void {
    const socket = this.#socket;
    if (!this.#isCorked) socket.cork();
    this.#isCorked = true;
    const bytes = Buffer.allocUnsafe(this.#text.length + part.length);
    part.copy(bytes, bytes.write(this.#text, "latin1"));
    this.#text = "";
    if (!socket.writable) return;
    socket.write(bytes);
    this.bytesSent += bytes.length;
  }

  #written(error: Error | null | undefined): void {
    if (error || this.destroyed) return;
    this.writableFinished = true;
    this.#options.onFinish(this.#isLast);
    this.close();
  }
}
