import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { CallRequest } from "../exchange/request.ts";
import type { CallResponse } from "../exchange/response.ts";
import { inOnePiece, renderFields } from "../headers/render-fields.ts";
import type { KeptHead, ResponseHead } from "../upstream/response-head.ts";

export interface PlainResponseOptions {
  readonly request: CallRequest;
  readonly keepsAlive: boolean;
  /** Value of `Date`. */
  readonly date: () => string;
  /** What a connection that is kept is told of that, as lines. */
  readonly keepAlive: string;
  /** Everything is out. `isLast`: the connection ends with it. */
  readonly onFinish: (isLast: boolean) => void;
}

/** The response to a plain request, with the bytes that node's server would send. */
export class PlainResponse implements CallResponse {
  readonly req: CallRequest;
  shouldKeepAlive: boolean;
  statusCode = 200;
  headersSent = false;
  destroyed = false;
  writableFinished = false;
  readonly #options: PlainResponseOptions;
  readonly #socket: Socket;
  /** Waits for the first part of the body: one buffer, one system call. */
  #head = "";
  #hasBody = true;
  #isChunked = false;
  #isLast = false;
  #isEnded = false;
  #trailers = "";
  #onClose: (() => void) | undefined;
  #onDrain: (() => void) | undefined;

  constructor(options: PlainResponseOptions) {
    this.#options = options;
    this.req = options.request;
    this.#socket = options.request.socket;
    this.shouldKeepAlive = options.keepsAlive;
  }

  on(_: "close", listener: () => void): void {
    this.#onClose = listener;
  }

  once(_: "drain", listener: () => void): void {
    this.#onDrain = listener;
  }

  writeInformation(status: number, headers: readonly string[]): void {
    if (!this.#socket.writable) return;
    this.#socket.write(`${statusLine(status)}${renderFields(headers)}\r\n`, "latin1");
  }

  writeHead(status: number, headers: readonly string[]): void {
    this.#begin(status, renderHead(status, headers));
  }

  /** Writes the head of an instance's response, and fields that are another's for each call. */
  writeHeadOf(head: ResponseHead, fields: readonly string[]): void {
    if (head.isRepeated) head.kept ??= keep(renderHead(head.status, head.headers));
    const { text, hasDate, hasLength } = head.kept ?? renderHead(head.status, head.headers);
    this.#begin(head.status, { text: text + renderFields(fields), hasDate, hasLength });
  }

  #begin(status: number, { text, hasDate, hasLength }: KeptHead): void {
    const { date, keepAlive } = this.#options;
    const dateLine = hasDate ? "" : `Date: ${date()}\r\n`;
    const connection = this.shouldKeepAlive ? keepAlive : "Connection: close\r\n";
    this.#isLast = !this.shouldKeepAlive;
    this.#hasBody = this.req.method !== "HEAD" && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    const end = this.#isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    this.#head = text + dateLine + connection + end;
    this.statusCode = status;
    this.headersSent = true;
  }

  flushHeaders(): void {
    if (this.#head === "" || !this.#socket.writable) return;
    this.#socket.write(this.#head, "latin1");
    this.#head = "";
  }

  write(part: Buffer): boolean {
    const socket = this.#socket;
    // A client that has ended its side is gone, as for node: what there is to be told of it comes with the close.
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

  addTrailers(fields: readonly (readonly [string, string])[]): void {
    for (const [name, value] of fields) this.#trailers += `${name}: ${value}\r\n`;
  }

  end(body?: Buffer | string, _?: "latin1"): void {
    if (this.#isEnded || this.destroyed) return;
    this.#isEnded = true;
    if (typeof body === "object") this.write(body);
    let text = this.#head;
    this.#head = "";
    if (typeof body === "string" && this.#hasBody && body !== "") {
      text += this.#isChunked ? `${body.length.toString(16)}\r\n${body}\r\n` : body;
    }
    if (this.#isChunked) text += `0\r\n${this.#trailers}\r\n`;
    const socket = this.#socket;
    if (!socket.writable) return;
    if (text !== "") socket.write(text, "latin1");
    // Mostly the system has taken everything at once. Where it has not, an empty write says when it has.
    if (socket.writableLength > 0) socket.write("", (error) => this.#written(error));
    else this.#written(socket.errored);
  }

  /** For the connection: more may be written. */
  drained(): void {
    const onDrain = this.#onDrain;
    this.#onDrain = undefined;
    onDrain?.();
  }

  /** For the connection: it is gone. */
  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#onClose?.();
  }

  #written(error: Error | null | undefined): void {
    if (error || this.destroyed) return;
    this.writableFinished = true;
    this.#options.onFinish(this.#isLast);
    this.close();
  }
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
}

function renderHead(status: number, headers: readonly string[]): KeptHead {
  let hasLength = false;
  let hasDate = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name === "content-length") hasLength = true;
    else if (name === "date") hasDate = true;
  }
  return { text: statusLine(status) + renderFields(headers), hasDate, hasLength };
}

function keep(head: KeptHead): KeptHead {
  return { ...head, text: inOnePiece(head.text) };
}
