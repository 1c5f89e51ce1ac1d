import type { IncomingMessage } from "node:http";

/** Time for the rest of a push that git has refused. */
const REST_MS = 30_000;

/**
 * Discards what a client still sends, up to `mostBytes`: git reads the answer when it has sent its whole push, and a connection
 * that is closed before would hide why the push was refused.
 */
export async function restOfBody(request: IncomingMessage, mostBytes: number): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let left = mostBytes;
  const take = (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) resolve();
  };
  const done = () => resolve();
  const timer = setTimeout(done, REST_MS);
  request.on("data", take).once("end", done).once("close", done);
  request.resume();
  await over;
  clearTimeout(timer);
  request.off("data", take).off("end", done).off("close", done);
}
