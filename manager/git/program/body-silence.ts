import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";

/** A body without a byte for this long holds a place for nothing. */
const SILENT_MS = 30_000;

/**
 * Closes the connection of a request whose body stops before its end. While git does not read, the client is not at fault.
 * @param target what the body is piped to
 */
export function endSilentBody(request: IncomingMessage, target: Writable, silentMs = SILENT_MS): void {
  const timer = setTimeout(() => {
    if (request.complete) return;
    if (target.writableNeedDrain) timer.refresh();
    else request.destroy();
  }, silentMs).unref();
  const onData = () => timer.refresh();
  const stop = () => {
    clearTimeout(timer);
    request.off("data", onData).off("end", stop).off("close", stop);
    target.off("close", stop);
  };
  request.on("data", onData).once("end", stop).once("close", stop);
  target.once("close", stop);
}
