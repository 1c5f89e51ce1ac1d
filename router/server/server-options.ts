import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { discardBody } from "../../http/discard-body.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem, type ProblemCode } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { answerProblem, answerRaw } from "../exchange/answer.ts";
import { NodeResponse, unknownExpectation } from "./node-calls.ts";

const HEADERS_MS = 15_000;
const KEEP_ALIVE_MS = 75_000;
const CHECK_MS = 1_000;

export interface ServerChoices {
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number;
  /**
   * Requests without a body come ended, and never emit `end`: a tenth less work per call. Only for a
   * server whose every handler looks at `readableEnded` before it waits for that event.
   */
  readonly optimizeEmptyRequests?: boolean;
}

/** Options of `http.createServer` that the rules of the router rely on. */
export function routerServerOptions(
  limits: Limits,
  { headersMs = HEADERS_MS, optimizeEmptyRequests = false }: ServerChoices = {},
): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    // The router answers a missing Host itself, with a problem document instead of an empty 400.
    requireHostHeader: false,
    headersTimeout: headersMs,
    // A body may take as long as it makes progress; the call's own timer watches it.
    requestTimeout: 0,
    // Longer than load balancers keep an idle connection (60 s), so that we are never the first to close.
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersMs),
    noDelay: true,
    optimizeEmptyRequests,
    // An offer of h2c is no reason to leave HTTP/1.1: such a request is served as if it had not been made.
    shouldUpgradeCallback: isWebSocket,
  };
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Listener for `clientError`: answers what node could not parse with a problem document, then ends the
 * connection. Answers to whole requests before it are due first. `count` is told the code of every such answer.
 */
export function clientErrorHandler(
  limits: Limits,
  count: (code: ProblemCode) => void = () => {},
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const waiting = new WeakSet<Duplex>();
  return function answer(error, socket) {
    if (error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    if (!socket.writable) {
      (socket as Socket).destroySoon();
      return;
    }
    const pending = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage;
    if (pending?.req.complete) {
      // Node reports every packet that follows.
      if (waiting.has(socket)) return;
      waiting.add(socket);
      pending.once("close", () => {
        waiting.delete(socket);
        answer(error, socket);
      });
    } else if (pending?.writableEnded) {
      // The request is answered already, before all of it has come.
      pending.once("close", () => (socket as Socket).destroySoon());
    } else if (pending?.headersSent) {
      // A response that has begun cannot be taken back: the client must see it break off.
      socket.destroy();
    } else {
      const problem = clientProblem(error, limits);
      count(problem.code);
      answerRaw(socket as Socket, problem, randomUUID());
    }
  };
}

/** Listener for `connect`: no tunnels here. */
export function refuseConnect(_request: IncomingMessage, socket: Duplex): void {
  const detail = "CONNECT opens a tunnel, which Skiff does not offer; send the request to /fn/NAME itself.";
  answerRaw(socket as Socket, new Problem("method_not_allowed", detail), randomUUID());
}

/** Listener for `checkExpectation`: what a client expects besides 100-continue, nothing here can promise. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  response.once("close", () => discardBody(request));
  // Whether the body comes all the same is not known.
  response.shouldKeepAlive = false;
  answerProblem(new NodeResponse(request, response), unknownExpectation(), randomUUID());
}

function clientProblem(error: NodeJS.ErrnoException & { reason?: string }, limits: Limits): Problem {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    const size = formatBytes(limits.headerBytes);
    return new Problem(
      "headers_too_large",
      `The header block is over ${size} (SKIFF_MAX_HEADERS); send fewer or shorter fields.`,
    );
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new Problem(
      "request_timeout",
      `The header block did not arrive within ${formatMs(HEADERS_MS)}; send it faster.`,
    );
  }
  const reason = error.reason ?? error.code ?? "not HTTP";
  return new Problem("invalid_request", `The request is not valid HTTP/1.1: ${reason}.`);
}
