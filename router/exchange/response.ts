/** The status and fields of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[];
  /** The same as text, kept by whoever expects to send it again. */
  readonly rendered?: RenderedHead | undefined;
}

/** The status line and fields of a response as text, without the empty line. */
export interface RenderedHead {
  readonly text: string;
  readonly hasDate: boolean;
  readonly hasLength: boolean;
}

/** The client's side of a call: a connection of the fast path, or one of Node's server. */
export interface ClientResponse {
  /** Whether the connection stays open; matters until the head is written. */
  shouldKeepAlive: boolean;
  readonly statusCode: number;
  readonly headersSent: boolean;
  /** The response is over: everything was sent, or the connection is gone. */
  readonly destroyed: boolean;
  /** Everything was given to the operating system. */
  readonly writableFinished: boolean;
  /** Sends a 1xx response. Clients of HTTP/1.0 know none: they get nothing. */
  writeInformation(head: ResponseHead): void;
  /** @param own fields of this call alone, names and values in turn */
  writeHead(head: ResponseHead, own: readonly string[]): void;
  /** Sends the head now, although no part of the body is there. */
  flushHead(): void;
  /** Returns false if the caller should wait for `onDrain`. */
  write(part: Buffer): boolean;
  /** @param trailers names and values in turn; sent only where the body goes in chunks */
  end(body?: Buffer | string, trailers?: readonly string[]): void;
  /** Breaks the response off so that the client notices that it is not whole. */
  truncate(): void;
  /** Calls `listener` once, when the response is over. */
  onClose(listener: () => void): void;
  /** Calls `listener` once, when more may be written. */
  onDrain(listener: () => void): void;
}
