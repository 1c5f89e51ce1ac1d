import type { Duplex, IncomingMessage, Node } from "./types.ts";

interface IncomingOptions {
  readonly socket: Duplex;
  /** Name of a header that the program does not get. */
  readonly without?: string;
}

/** Returns the request as Node shows it. */
export function incomingOf({ http }: Node, request: Request, options: IncomingOptions): IncomingMessage {
  const { socket, without } = options;
  const incoming = new http.IncomingMessage(socket);
  const { url, method } = request;
  const lines = [...request.headers].filter(([name]) => name !== without).flat();
  Object.assign(incoming, { httpVersion: "1.1", httpVersionMajor: 1, httpVersionMinor: 1, method });
  incoming.url = url.slice(url.indexOf("/", url.indexOf("://") + 3));
  incoming._addHeaderLines(lines, lines.length);
  const reader = request.headers.has("upgrade") ? undefined : request.body?.getReader();
  let isReading = false;
  const read = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const { done, value } = reader ? await reader.read() : { done: true, value: undefined };
      isReading = false;
      if (done) incoming.complete = true;
      incoming.push(done ? null : value!);
    } catch (error) {
      incoming.destroy(error as Error);
    }
  };
  incoming._read = () => void read();
  // Node sets it until its own `_read` is called, and reads no further until then.
  incoming._readableState.readingMore = false;
  return incoming;
}
