import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Problem } from "../../platform/problems.ts";

/**
 * What node's parser lets through although another HTTP parser, before or behind this one, may read it in
 * another way. Such a connection is not used on.
 * @throws Problem `invalid_request` or `expectation_failed`
 */
export function checkFraming(
  request: IncomingMessage,
  response: Pick<ServerResponse, "shouldKeepAlive">,
): void {
  const { "transfer-encoding": coding, expect, upgrade } = request.headers;
  // Node drops what came in the same packet as an offer that is declined, and would read on in the middle.
  if (upgrade !== undefined) response.shouldKeepAlive = false;
  const problem =
    request.httpVersionMajor !== 1
      ? new Problem(
          "invalid_request",
          "The request line names no HTTP/1.0 or HTTP/1.1; send it as one of them.",
        )
      : (coding !== undefined && codingProblem(request, coding)) ||
        (expect !== undefined && expect.toLowerCase() !== "100-continue" && unknownExpectation());
  if (!problem) return;
  response.shouldKeepAlive = false;
  throw problem;
}

export function unknownExpectation(): Problem {
  const detail = "The only expectation that can be met is 100-continue; send the request without Expect.";
  return new Problem("expectation_failed", detail);
}

/**
 * True for a request that stands behind one whose answer closes the connection: it must not be processed
 * (RFC 9112 9.6), because its client will send it again.
 */
export function isBehindLast({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const ahead = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  return !socket.writable || (ahead !== response && ahead?.shouldKeepAlive === false);
}

function codingProblem(request: IncomingMessage, coding: string): Problem | undefined {
  // RFC 9112 6.1: in HTTP/1.0 the field makes the framing doubtful, whatever it says.
  if (request.httpVersionMinor !== 0 && coding.toLowerCase() === "chunked") return undefined;
  return new Problem(
    "invalid_request",
    'The only transfer coding that is understood is "chunked", in HTTP/1.1; send the body so, or with Content-Length.',
  );
}
