import type { IncomingMessage } from "node:http";
import { Problem, type ProblemCode } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { ClientLeft } from "../client-signal.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  readonly tooLarge: Extract<ProblemCode, "body_too_large" | "source_too_large">;
  /** Advice for a body that is too large. */
  readonly advice: string;
  /** Time until the end of the body. 2 min by default, in which 20 MiB need 1.4 Mbit/s. */
  readonly deadlineMs?: number;
}

/**
 * Resolves with the body as sent. After an error the rest of it is discarded.
 * @throws Problem `source_too_large` or `body_too_large` (at once if the length is declared),
 * `unsupported_media_type` for a content coding, `request_timeout`; ClientLeft
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { maxBytes, deadlineMs = 120_000 } = limits;
  const { "content-encoding": coding = "identity", "content-length": length = 0 } = request.headers;
  if (coding.toLowerCase() !== "identity") {
    throw new Problem(
      "unsupported_media_type",
      `Content-Encoding ${coding.slice(0, 40)} is not accepted: send the source as it is; an archive may be compressed (.tar.gz, .zip).`,
    );
  }
  const tooLarge = () =>
    new Problem(
      limits.tooLarge,
      `The body is over the limit of ${formatBytes(maxBytes)}: ${limits.advice}`,
      limits.tooLarge === "source_too_large" ? { setting: "SKIFF_MAX_SOURCE" } : {},
    );
  if (Number(length) > maxBytes) throw tooLarge();
  // Node may have ended a request without a body already (`optimizeEmptyRequests`).
  if (request.readableEnded) return Buffer.alloc(0);
  if (request.destroyed) throw new ClientLeft();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => {
    const detail = `The body did not arrive within ${formatMs(deadlineMs)}: send it again, over a faster connection or smaller.`;
    reject(new Problem("request_timeout", detail));
  }, deadlineMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) reject(tooLarge());
    else chunks.push(chunk);
  };
  const ended = () => resolve(Buffer.concat(chunks, bytes));
  const closed = () => reject(new ClientLeft());
  request.on("data", collect).on("end", ended).on("close", closed).on("error", closed);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.off("data", collect).off("end", ended).off("close", closed);
    // The error listener stays: an error event without a listener ends the process.
    request.resume();
  }
}
