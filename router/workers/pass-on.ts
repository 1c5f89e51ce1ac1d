import { randomUUID } from "node:crypto";
import { type ClientRequest, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { pipeline } from "node:stream";
import { discardBody } from "../../http/discard-body.ts";
import { Problem } from "../../platform/problems.ts";
import { answerProblem } from "../exchange/answer.ts";
import { NodeResponse, type RequestHandler } from "../server/node-calls.ts";

/** Fields of one connection, not of the message (RFC 9110 7.6.1); and what this side has answered already. */
const REQUEST_HOP = new Set(["connection", "keep-alive", "proxy-connection", "upgrade", "expect"]);
const RESPONSE_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/**
 * Passes requests on to a server on a Unix socket which answers as if they had come to it directly: every field
 * arrives as often and as it was sent, because who may do what is decided there. One connection for each, which the
 * client's end ends.
 */
export function passOn(socketPath: string): RequestHandler {
  return (request, response) => {
    let upstream: ClientRequest;
    try {
      const { method, url: path } = request;
      const headers = requestFields(request) as unknown as Record<string, string>;
      upstream = send({ socketPath, agent: false, setHost: false, method, path, headers });
    } catch (error) {
      const detail = `The request cannot be passed on: ${(error as Error).message}.`;
      response.once("close", () => discardBody(request));
      answerProblem(
        new NodeResponse(request, response),
        new Problem("invalid_request", detail),
        randomUUID(),
      );
      return;
    }
    upstream.once("response", (answer) => passBack(answer, response));
    upstream.on("error", () => {
      if (response.headersSent || response.destroyed) return;
      const detail = "The management API does not answer; try again in a moment.";
      answerProblem(
        new NodeResponse(request, response),
        new Problem("not_ready", detail, { retryAfterS: 1 }),
        randomUUID(),
      );
    });
    response.once("close", () => {
      if (response.writableFinished && request.complete) return;
      // Of a body that is answered already, nobody there takes the rest.
      request.unpipe(upstream);
      upstream.destroy();
      discardBody(request);
    });
    if (request.readableEnded) {
      upstream.end();
      return;
    }
    // It may be answered by its fields alone, and the client may wait for that before it sends anything.
    upstream.flushHeaders();
    request.pipe(upstream);
  };
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return;
  response.writeHead(answer.statusCode!, answer.statusMessage, without(answer.rawHeaders, RESPONSE_HOP));
  // Who follows a log shall see that it is being followed.
  response.write("", "latin1");
  pipeline(answer, response, (error) => {
    if (error) response.destroy();
  });
}

/**
 * Names and values in turn. A length is always said, so that no body is one without being framed. The connection stays
 * open after the answer: closing it while a body is still being sent would break the answer off.
 */
function requestFields({ rawHeaders, headers }: IncomingMessage): string[] {
  const fields = [...without(rawHeaders, REQUEST_HOP), "connection", "keep-alive"];
  const isFramed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return isFramed ? fields : [...fields, "content-length", "0"];
}

function without(fields: readonly string[], names: ReadonlySet<string>): string[] {
  return fields.filter((_, index) => !names.has(fields[index - (index % 2)]!.toLowerCase()));
}
