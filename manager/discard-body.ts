import type { IncomingMessage } from "node:http";

/** Time that a client has to read an answer while it still sends the body, in milliseconds. */
const LINGER_MS = 2_000;

/**
 * Throws away the rest of a body after its answer. Closing at once would reset the connection, and the
 * reset overtakes the answer; waiting for good would let the client send for ever.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  // The end of the body, or of the connection.
  request.once("close", () => clearTimeout(timer));
  request.resume();
}
