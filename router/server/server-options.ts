import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { discardBody } from "../../http/discard-body.ts";
import { HEADERS_MS, serverOptions } from "../../http/server.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem, type ProblemCode } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { answerProblem, answerRaw } from "../exchange/answer.ts";
import { NodeResponse, unknownExpectation } from "./node-calls.ts";

/** Returns options of `http.createServer` that the rules of the router rely on. */
export function routerServerOptions(limits: Limits, headersMs?: number): ServerOptions {
  return {
    ...serverOptions(limits, headersMs),
    noDelay: true,
    // A tenth less work per call. Requests without a body have ended when they arrive and never emit `end`: a
    // handler must check `readableEnded` before it waits for that event.
    optimizeEmptyRequests: true,
    // Other upgrades, such as h2c, are declined: the request is served over HTTP/1.1.
    shouldUpgradeCallback: ({ method, headers }) =>
      method === "GET" && headers.upgrade?.toLowerCase() === "websocket",
  };
}

/**
 * Returns a listener for `clientError`: answers a request that Node could not parse with a problem document,
 * after the answers before it, and ends the connection. Calls `count` with the code of each such answer.
 */
export function clientErrorHandler(
  limits: Limits,
  count: (code: ProblemCode) => void = () => {},
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const waiting = new WeakSet<Duplex>();
  return function answer(error, duplex) {
    const socket = duplex as Socket & { _httpMessage?: ServerResponse | null };
    const { _httpMessage: pending } = socket;
    if (error.code === "ECONNRESET") socket.destroy();
    else if (!socket.writable) socket.destroySoon();
    else if (pending?.req.complete) {
      // Node reports every packet that follows.
      if (waiting.has(socket)) return;
      waiting.add(socket);
      pending.once("close", () => {
        waiting.delete(socket);
        answer(error, socket);
      });
    } else if (pending?.writableEnded) {
      // The request was answered before all of it arrived.
      pending.once("close", () => socket.destroySoon());
    } else if (pending?.headersSent) {
      // A response that has begun cannot be replaced: the client must see it break off.
      socket.destroy();
    } else {
      const problem = clientProblem(error, limits);
      count(problem.code);
      answerRaw(socket, problem, randomUUID());
    }
  };
}

/** Answers CONNECT. */
export function refuseConnect(socket: Duplex): void {
  const detail = "Skiff opens no tunnels with CONNECT: send the request to /fn/NAME itself.";
  answerRaw(socket as Socket, new Problem("method_not_allowed", detail), randomUUID());
}

/** Listener for `checkExpectation`: refuses every expectation but 100-continue. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  response.once("close", () => discardBody(request));
  // The body may follow all the same.
  response.shouldKeepAlive = false;
  answerProblem(new NodeResponse(request, response), unknownExpectation(), randomUUID());
}

function clientProblem(error: NodeJS.ErrnoException & { reason?: string }, limits: Limits): Problem {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    const limit = `${formatBytes(limits.headerBytes)} (SKIFF_MAX_HEADERS)`;
    const detail = `The header block is larger than ${limit}: send fewer or shorter fields.`;
    return new Problem("headers_too_large", detail);
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const detail = `The header block did not arrive within ${formatMs(HEADERS_MS)}: send it faster.`;
    return new Problem("request_timeout", detail);
  }
  const reason = error.reason ?? error.code ?? "it is not HTTP";
  return new Problem("invalid_request", `The request is not valid HTTP/1.1: ${reason}.`);
}
