import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Limits } from "../platform/limits.ts";
import type { Router } from "./router.ts";
import {
  clientErrorHandler,
  refuseConnect,
  refuseExpectation,
  routerServerOptions,
} from "./server-options.ts";
import { isCallTarget } from "./target.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface CallServerOptions {
  readonly router: Pick<Router, "handle" | "upgrade" | "countRefusal">;
  readonly limits: Limits;
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers what is not below /fn, bodies that come ended included; without it the router does. */
  readonly other?: RequestHandler | undefined;
  /** True when clients should come back over a new connection, which may lead elsewhere. */
  readonly isLeaving?: () => boolean;
}

/** The server in front of a router, with everything in place that the rules of calls rely on. */
export function createCallServer(options: CallServerOptions): Server {
  const { router, limits, headersMs, other, isLeaving } = options;
  const isOther = (request: IncomingMessage) => other !== undefined && !isCallTarget(request.url!);
  const choices = { optimizeEmptyRequests: true, ...(headersMs === undefined ? {} : { headersMs }) };
  const server = createServer(routerServerOptions(limits, choices), (request, response) => {
    if (isLeaving?.()) response.shouldKeepAlive = false;
    if (isOther(request)) other!(request, response);
    else router.handle(request, response);
  });
  server.on("checkContinue", (request, response) => {
    if (!isOther(request)) return router.handle(request, response, true);
    response.writeContinue();
    other!(request, response);
  });
  server.on("upgrade", (request, socket, head) => router.upgrade(request, socket, head));
  server.on("checkExpectation", refuseExpectation);
  server.on("connect", refuseConnect);
  server.on("clientError", clientErrorHandler(limits, router.countRefusal));
  return server;
}
