import type { IncomingMessage } from "node:http";

/** Time that a body has to end by itself, in milliseconds; the connection can be used again then. */
const REST_MS = 2_000;

/**
 * Throws away the rest of a body after its answer, and closes the connection if there is no end of it. Closing at once
 * would reset the connection, and the reset overtakes the answer.
 */
export function discardBody(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || request.destroyed || !socket.writable) return;
  const timer = setTimeout(() => socket.destroySoon(), REST_MS);
  // The end of the body, or of the connection.
  request.once("close", () => clearTimeout(timer));
  request.resume();
}
