/** One call of a program that is written for Node: `(request, response)` as of `node:http`. */
import { nativeResponse } from "../answers/native-response.ts";
import type { Context, Handler } from "../forms/context.ts";
import { incomingOf } from "./incoming.ts";
import { callSocket } from "./socket.ts";
import type { Duplex, IncomingMessage, Node, ServerResponse } from "./types.ts";

export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Statuses whose Response takes no body (Fetch, "null body status"). */
const NULL_BODY = [204, 205, 304];
/** The status that proxies log for a client that has gone. */
const CLIENT_CLOSED = 499;
/** Headers of one connection, which Deno sets itself. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** Returns a handler that answers with what the listener writes. */
export function nodeHandler(node: Node, listener: NodeListener): Handler {
  return (request, context) => {
    const exchange = new Exchange(node, request, context);
    const result = listener(exchange.incoming, exchange.outgoing);
    if (result instanceof Promise) result.catch((error) => exchange.fail(error));
    return exchange.response;
  };
}

class Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly response: Promise<Response>;
  readonly #socket: Duplex;
  readonly #deferred = Promise.withResolvers<Response>();
  /** Written before the Response exists. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #written: (() => void) | undefined;
  #hasHead = false;
  #isAnswered = false;
  #isDone = false;

  constructor(node: Node, request: Request, context: Context) {
    this.response = this.#deferred.promise;
    this.#socket = callSocket(node, {
      remoteAddress: context.remoteAddr.hostname,
      write: (chunk, done) => this.#write(chunk as Uint8Array<ArrayBuffer>, done),
      end: () => {},
      destroyed: (error) => this.fail(error ?? new Error("the program closed the connection")),
    });
    this.incoming = incomingOf(node, request, { socket: this.#socket });
    this.outgoing = this.#outgoing(node);
    request.signal.addEventListener("abort", () => this.#abort());
  }

  /** Without a framing of its own: Deno frames the body. */
  #outgoing({ http }: Node): ServerResponse {
    const outgoing = new http.ServerResponse(this.incoming);
    const { _storeHeader } = http.ServerResponse.prototype;
    const skip = (...args: unknown[]) => {
      const callback = args.at(-1);
      if (typeof callback === "function") callback();
    };
    // Own properties, because Express replaces the prototype.
    Object.assign(outgoing, {
      _storeHeader: (firstLine: string, headers: unknown) => {
        _storeHeader.call(outgoing, firstLine, headers);
        outgoing.chunkedEncoding = false;
      },
      _send: (data: unknown, encoding?: unknown, callback?: unknown) => {
        if (!this.#hasHead) this.#begin();
        return outgoing._writeRaw(data, encoding, callback);
      },
      ...{ writeContinue: skip, writeProcessing: skip, writeEarlyHints: skip, writeInformation: skip },
    });
    outgoing.assignSocket(this.#socket);
    const needsDrain = Object.getOwnPropertySymbols(outgoing).find(
      ({ description }) => description === "kNeedDrain",
    );
    this.#socket.on("drain", () => {
      if (needsDrain) (outgoing as unknown as Record<symbol, boolean>)[needsDrain] = false;
      outgoing.emit("drain");
    });
    outgoing.on("finish", () => this.#finish());
    return outgoing;
  }

  /** The head is complete. A body that is complete in this turn needs no stream. */
  #begin(): void {
    this.#hasHead = true;
    queueMicrotask(() => this.#answer());
  }

  #answer(): void {
    const { statusCode: status, statusMessage: statusText, _header, finished } = this.outgoing;
    this.#isAnswered = true;
    const early = this.#early;
    this.#early = [];
    const isWhole = finished && this.#socket.writableLength === 0 && early.length <= 1;
    const body = isWhole ? (early[0] ?? null) : this.#stream(early);
    const Native = nativeResponse();
    try {
      const init = { status, statusText, headers: headersOf(_header ?? "") };
      this.#deferred.resolve(new Native(NULL_BODY.includes(status) ? null : body, init));
    } catch (error) {
      this.fail(error);
    }
  }

  #stream(early: readonly Uint8Array[]): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
        for (const chunk of early) controller.enqueue(chunk);
        if (this.#isDone) controller.close();
      },
      pull: () => {
        const written = this.#written;
        this.#written = undefined;
        written?.();
      },
      cancel: () => this.#abort(),
    });
  }

  #write(chunk: Uint8Array<ArrayBuffer>, done: () => void): void {
    const isEmpty = chunk.length === 0;
    if (!isEmpty && this.#isAnswered) this.#body?.enqueue(chunk);
    else if (!isEmpty) this.#early.push(chunk);
    if (isEmpty || (this.#body?.desiredSize ?? 1) > 0) done();
    else this.#written = done;
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#body?.close();
    this.outgoing.detachSocket(this.#socket);
    this.#socket.destroy();
    close(this.outgoing);
  }

  /** The client has gone. */
  #abort(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const error = Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    if (!this.incoming.complete) this.incoming.destroy(error);
    // Nobody receives it.
    const Native = nativeResponse();
    this.#deferred.resolve(new Native(null, { status: CLIENT_CLOSED }));
    this.#socket.destroy();
    close(this.outgoing);
  }

  /** Fails the call, or breaks the response that has begun. */
  fail(error: unknown): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#deferred.reject(error);
    this.#body?.error(error);
    this.#socket.destroy();
    close(this.outgoing);
  }
}

/** Emits `close` once, as a response of Node does at its end. */
function close(outgoing: ServerResponse): void {
  if (outgoing._closed) return;
  Object.assign(outgoing, { destroyed: true, _closed: true });
  outgoing.emit("close");
}

/** Reads the header fields of a head. */
export function headersOf(head: string): [string, string][] {
  const lines = head.split("\r\n").slice(1);
  const fields = lines.filter(Boolean).map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return fields.filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()));
}
