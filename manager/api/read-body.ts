import type { IncomingMessage } from "node:http";
import { ClientLeft } from "../../http/client-signal.ts";
import { Problem, type ProblemCode } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";

/** 20 MiB in this time is 1.4 Mbit/s. */
const BODY_DEADLINE_MS = 120_000;

export interface BodyLimits {
  readonly maxBytes: number;
  readonly tooLarge: Extract<ProblemCode, "body_too_large" | "source_too_large">;
  /** What to do about a body that is too large. */
  readonly advice: string;
  /** Time until the whole body must be there; 2 min unless given. */
  readonly deadlineMs?: number;
}

/**
 * The whole body as it was sent. What comes after an error is discarded once it is answered.
 * @throws Problem `source_too_large` or `body_too_large` (at once if the length is declared),
 * `unsupported_media_type` for a content coding, `request_timeout`; ClientLeft
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  checkCoding(request);
  const { maxBytes, deadlineMs = BODY_DEADLINE_MS } = limits;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(limits);
  // A request without a body may come ended already (`optimizeEmptyRequests`).
  if (request.readableEnded) return Buffer.alloc(0);
  if (request.destroyed) throw new ClientLeft();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => reject(late(deadlineMs)), deadlineMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) reject(tooLarge(limits));
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
    // The listener for errors stays: an error without one would end the process.
    request.resume();
  }
}

function checkCoding(request: IncomingMessage): void {
  const coding = request.headers["content-encoding"];
  if (coding === undefined || coding.toLowerCase() === "identity") return;
  throw new Problem(
    "unsupported_media_type",
    `Content-Encoding ${coding.slice(0, 40)} is not accepted: send the source as it is; an archive may be compressed (.tar.gz, .zip).`,
  );
}

function tooLarge({ tooLarge, maxBytes, advice }: BodyLimits): Problem {
  return new Problem(tooLarge, `The body is over the limit of ${formatBytes(maxBytes)}: ${advice}`);
}

function late(deadlineMs: number): Problem {
  return new Problem(
    "request_timeout",
    `The body did not arrive within ${formatMs(deadlineMs)}: send it again, over a faster connection or smaller.`,
  );
}
