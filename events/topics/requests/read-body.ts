import type { IncomingMessage } from "node:http";
import { ClientLeft } from "../../../http/client-signal.ts";
import { uploadTimeout } from "../../../http/request-problems.ts";
import type { Limits } from "../../../platform/limits.ts";
import type { Problem } from "../../../platform/problems.ts";

export interface ReadBodyOptions {
  readonly mostBytes: number;
  readonly limits: Limits;
  /** Returns the problem of a larger body. */
  readonly tooLarge: () => Problem;
}

/**
 * Reads a whole body into memory. What follows a body that is too large stays unread.
 * @throws the problem of `tooLarge`, Problem `request_timeout`, `ClientLeft`
 */
export function readBody(
  request: IncomingMessage,
  { mostBytes, limits, tooLarge }: ReadBodyOptions,
): Promise<Buffer> {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  // Such a request may have ended already.
  if (coding === undefined && Number(length ?? 0) === 0) return Promise.resolve(Buffer.alloc(0));
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  let bytes = 0;
  const onData = (part: Buffer) => {
    bytes += part.length;
    parts.push(part);
    if (bytes > mostBytes) fail(tooLarge());
  };
  const onEnd = () => finish(() => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
  const onClose = () => fail(new ClientLeft());
  const timer = setTimeout(() => fail(uploadTimeout(limits)), limits.uploadMs);
  const finish = (end: () => void) => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("close", onClose).pause();
    end();
  };
  const fail = (error: Error) => finish(() => reject(error));
  if (Number(length ?? 0) > mostBytes) fail(tooLarge());
  else if (request.destroyed) fail(new ClientLeft());
  else request.on("data", onData).once("end", onEnd).once("close", onClose);
  return promise;
}
