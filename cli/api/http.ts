import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  /** A stream is sent as it comes. */
  readonly body?: Uint8Array | Readable | undefined;
  /** Ends the request, and the reading of its answer. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Ends with an error if the connection breaks. */
  readonly body: IncomingMessage;
}

/** Why no answer arrived. `url` is the origin that was asked. */
export class Unreachable extends Error {
  readonly url: string;
  constructor(url: string, reason: string) {
    super(`No Skiff answers at ${url}: ${reason}.`);
    this.name = "Unreachable";
    this.url = url;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name cannot be resolved",
  ECONNRESET: "the connection was closed",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
};

/**
 * Sends one request. Unlike `fetch` it has no time limit of its own for a quiet answer, so that logs can be followed.
 * It follows no redirects.
 * @throws Unreachable, or the reason of `signal`
 */
export async function send({ method, url, headers = {}, body, signal }: HttpRequest): Promise<HttpAnswer> {
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const length = body instanceof Uint8Array ? { "content-length": body.byteLength } : {};
  const sent = request(url, { method, headers: { "user-agent": "skiff", ...headers, ...length }, signal });
  sent.on("response", resolve);
  sent.on("error", (error: NodeJS.ErrnoException) => {
    if (signal.aborted) return reject(signal.reason);
    reject(new Unreachable(url.origin, REASONS[error.code ?? ""] ?? error.message));
  });
  if (body instanceof Uint8Array || body === undefined) sent.end(body);
  else body.pipe(sent);
  const answer = await promise;
  return { status: answer.statusCode!, headers: answer.headers, body: answer };
}

/** Reads the whole body. */
export async function bytesOf({ body }: HttpAnswer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
