import type { IncomingMessage } from "node:http";

/** Time for a body to end by itself, in milliseconds. The connection is reused if it does. */
const REST_MS = 2_000;

/**
 * Discards the rest of a body after its answer, and closes the connection if the body does not end in time.
 * Closing at once would reset the connection, and the reset overtakes the answer.
 */
export function discardBody(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || request.destroyed || !socket.writable) return;
  const timer = setTimeout(() => socket.destroySoon(), REST_MS);
  // The end of the body, or of the connection.
  request.once("close", () => clearTimeout(timer));
  request.resume();
}
