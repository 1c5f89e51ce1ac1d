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

export interface PassOnOptions {
  /** Where the management API is: `socketPath`, or `host` and `port`; `timeout` bounds a silence, in milliseconds. */
  readonly to: Pick<RequestOptions, "socketPath" | "host" | "port" | "timeout">;
  /** Name in lower case and value of a field that is set, whatever the client sent. */
  readonly field: (request: IncomingMessage) => readonly [name: string, value: string];
}

/**
 * Returns a handler that forwards requests to the management API of another process. Every other field is forwarded
 * unchanged and as often as it was sent, because the server behind it decides about access. Each request has a
 * connection of its own.
 */
export function passOn({ to, field }: PassOnOptions) {
  return (request: IncomingMessage, response: ServerResponse) => {
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
      const { method, url: path } = request;
      const headers = requestFields(request, field(request)) as unknown as Record<string, string>;
      upstream = send({ ...to, agent: false, setHost: false, method, path, headers });
    } catch (error) {
      // Node's client refuses some targets that its server accepts.
      const detail = `The request cannot be forwarded: ${(error as Error).message}.`;
      return refuse(new Problem("invalid_request", detail));
    }
    const notReady = "The management API does not answer: try again in a moment.";
    upstream.on("error", () => refuse(new Problem("not_ready", notReady, { retryAfterS: 1 })));
    upstream.on("timeout", () => upstream.destroy(new Error("it was silent for too long")));
    upstream.once("response", (answer) => {
      if (response.destroyed) return;
      // Node throws where trailers are declared and the body has no chunks, as for a client of HTTP/1.0.
      const hasTrailers =
        request.httpVersion !== "1.0" &&
        request.method !== "HEAD" &&
        answer.headers["transfer-encoding"] !== undefined;
      const fields = fieldsWithout(
        answer.rawHeaders,
        (name) => RESPONSE_HOP.has(name) || (name === "trailer" && !hasTrailers),
      );
      response.writeHead(answer.statusCode!, answer.statusMessage, fields);
      // Sends the head now: a client that follows a log gets it before the first line.
      response.write("", "latin1");
      // Before the pipeline, which ends the response.
      answer.once("end", () => response.addTrailers(pairsOf(answer.rawTrailers)));
      pipeline(answer, response, (error) => {
        if (error) response.destroy();
      });
    });
    // Sends the fields now: the client may wait for an answer to them before it sends the body. Here and
    // above an empty write keeps their bytes; `flushHeaders` would write them as UTF-8.
    upstream.write("", "latin1");
    if (request.readableEnded) upstream.end();
    else request.pipe(upstream);
  };
}

/** @param fields names and values in turn */
function pairsOf(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, fields[at + 1]!]] : []));
}

/** Always sets a length, so that a body is never unframed, and keeps the connection until it has arrived. */
function requestFields({ rawHeaders, headers }: IncomingMessage, field: readonly [string, string]): string[] {
  const kept = fieldsWithout(rawHeaders, (name) => REQUEST_HOP.has(name) || name === field[0]);
  const fields = [...kept, ...field, "connection", "keep-alive"];
  const isFramed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return isFramed ? fields : [...fields, "content-length", "0"];
}
