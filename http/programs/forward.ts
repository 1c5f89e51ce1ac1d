import { randomUUID } from "node:crypto";
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
  request as send,
} from "node:http";
import { pipeline } from "node:stream";
import { Problem } from "../../platform/problems.ts";
import { discardBody } from "../discard-body.ts";
import { fieldsWithout } from "../fields.ts";
import { answerProblem } from "../problem-answer.ts";

/** Hop-by-hop fields (RFC 9110 7.6.1) but those of the body, and `expect`, which this server has answered. */
const REQUEST_HOP = new Set(["connection", "keep-alive", "proxy-connection", "upgrade", "expect"]);
const RESPONSE_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** Where another server is: `socketPath`, or `host` and `port`; `timeout` bounds a silence, in milliseconds. */
export type Upstream = Pick<RequestOptions, "socketPath" | "host" | "port" | "timeout"> & {
  readonly maxHeaderSize?: number;
};

/** What the other server gets before the body. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
}

/** What the client gets before the body. */
export interface AnswerHead {
  readonly status: number;
  readonly reason?: string | undefined;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** False by default. */
  readonly hasTrailers?: boolean;
}

export interface Forwarding {
  readonly to: Upstream;
  readonly head: RequestHead;
  /** By default the client gets the head of the answer, without hop-by-hop fields. */
  readonly answer?: (answer: IncomingMessage) => AnswerHead;
  /** Names the other server in problems; the management API by default. */
  readonly name?: string;
}

/**
 * Forwards a request to another server, and its answer to the client. Both bodies stream, and a client that leaves
 * aborts the request. Each request has a connection of its own.
 */
export function forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
  const { to, head, name = "The management API" } = forwarding;
  const answerHead = forwarding.answer ?? ((answer) => unchanged(request, answer));
  const refuse = (problem: Problem) => {
    if (response.headersSent || response.destroyed) return;
    answerProblem(response, problem, randomUUID());
  };
  let upstream: ClientRequest | undefined;
  response.once("close", () => {
    if (response.writableFinished && request.complete) return;
    // The rest of a body is not read after the answer.
    request.unpipe();
    upstream?.destroy();
    discardBody(request);
  });
  try {
    const headers = framed(request, head.fields) as unknown as Record<string, string>;
    upstream = send({ ...to, agent: false, setHost: false, method: head.method, path: head.path, headers });
  } catch (error) {
    // Node's client refuses some targets that its server accepts.
    const detail = `The request cannot be forwarded: ${(error as Error).message}.`;
    refuse(new Problem("invalid_request", detail));
    return;
  }
  const notReady = `${name} does not answer: try again in a moment.`;
  upstream.on("error", () => refuse(new Problem("not_ready", notReady, { retryAfterS: 1 })));
  upstream.on("timeout", () => upstream.destroy(new Error("it was silent for too long")));
  upstream.once("response", (answer) => {
    if (response.destroyed) return;
    const { status, reason, fields, hasTrailers = false } = answerHead(answer);
    response.writeHead(status, reason, [...fields]);
    // Sends the head now: a client that follows a log gets it before the first line.
    response.write("", "latin1");
    // Before the pipeline, which ends the response.
    if (hasTrailers) answer.once("end", () => response.addTrailers(pairsOf(answer.rawTrailers)));
    pipeline(answer, response, (error) => {
      if (error) response.destroy();
    });
  });
  // Sends the fields now: the client may wait for an answer to them before it sends the body. Here and
  // above an empty write keeps their bytes; `flushHeaders` would write them as UTF-8.
  upstream.write("", "latin1");
  if (request.readableEnded) upstream.end();
  else request.pipe(upstream);
}

/** Returns the fields of a request that the other server may get, without the hop-by-hop ones. */
export function endToEndFields({ rawHeaders }: IncomingMessage, isDropped: (name: string) => boolean) {
  return fieldsWithout(rawHeaders, (name) => REQUEST_HOP.has(name) || isDropped(name));
}

function unchanged(request: IncomingMessage, answer: IncomingMessage): AnswerHead {
  // Node throws where trailers are declared and the body has no chunks, as for a client of HTTP/1.0.
  const hasTrailers =
    request.httpVersion !== "1.0" &&
    request.method !== "HEAD" &&
    answer.headers["transfer-encoding"] !== undefined;
  const fields = fieldsWithout(
    answer.rawHeaders,
    (name) => RESPONSE_HOP.has(name) || (name === "trailer" && !hasTrailers),
  );
  return { status: answer.statusCode!, reason: answer.statusMessage, fields, hasTrailers: true };
}

/** @param fields names and values in turn */
function pairsOf(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, fields[at + 1]!]] : []));
}

/** Always sets a length, so that a body is never unframed, and keeps the connection until it has arrived. */
function framed({ headers }: IncomingMessage, fields: readonly string[]): string[] {
  const all = [...fields, "connection", "keep-alive"];
  const isFramed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return isFramed ? all : [...all, "content-length", "0"];
}
