/** The status and fields of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[];
  /** The same as text, cached by a caller that expects to send it again. */
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
  /** Whether the connection stays open. Used when the head is written. */
  shouldKeepAlive: boolean;
  readonly statusCode: number;
  readonly headersSent: boolean;
  /** The response has ended: everything was sent, or the connection is closed. */
  readonly destroyed: boolean;
  /** Everything was handed to the operating system. */
  readonly writableFinished: boolean;
  /** Bytes sent on the connection for this response, with its head; for a WebSocket also what follows. */
  readonly bytesSent: number;
  /** Sends a 1xx response; nothing to a client of HTTP/1.0, which does not know them. */
  writeInformation(head: ResponseHead): void;
  /** @param own fields of this call alone, names and values in turn */
  writeHead(head: ResponseHead, own: readonly string[]): void;
  /** @param part of the body; a view that is valid during the call only */
  write(part: Buffer): void;
  /** Sends what was written, with the head. Returns false if the caller should wait for `onDrain`. */
  flush(): boolean;
  /** @param trailers names and values in turn; sent only if the body is chunked */
  end(body?: string, trailers?: readonly string[]): void;
  /** Breaks the response off so that the client can tell that it is incomplete. */
  truncate(): void;
  /** Calls `listener` once, when the response has ended. */
  onClose(listener: () => void): void;
  /** Calls `listener` once, when more can be written. */
  onDrain(listener: () => void): void;
}
