import { type IncomingMessage, Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LingeringCloses } from "../../http/lingering-close.ts";
import { RequestOrder } from "../../http/request-order.ts";
import type { Limits } from "../../platform/limits.ts";
import { isCallTarget } from "../exchange/target.ts";
import { PlainConnections } from "../fast-path/plain-connections.ts";
import type { Router } from "../router.ts";
import { upgradeInput } from "../websocket/upgrade-input.ts";
import { isBehindLast, nodeInput } from "./node-calls.ts";
import {
  clientErrorHandler,
  refuseConnect,
  refuseExpectation,
  routerServerOptions,
} from "./server-options.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface CallServerOptions {
  readonly router: Pick<Router, "take" | "countRefusal">;
  readonly limits: Limits;
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers what is not below /fn, bodies that come ended included; without it the router does. */
  readonly other?: RequestHandler | undefined;
  /** True when clients should come back over a new connection, which may lead elsewhere. */
  readonly isLeaving?: () => boolean;
}

/** Time that clients have at the end to take their last responses, in milliseconds. */
export const LAST_RESPONSES_MS = 1_000;

/** The largest head that is read here instead of by node; others are few, and take their time anyway. */
const PLAIN_HEAD_BYTES = 16 * 1024;

/** The server in front of a router, with everything in place that the rules of calls rely on. */
export function createCallServer(options: CallServerOptions): CallServer {
  const { router, limits, headersMs, other, isLeaving } = options;
  const isOther = (request: IncomingMessage) => other !== undefined && !isCallTarget(request.url!);
  const take = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    if (isBehindLast(request, response)) request.resume();
    else router.take(nodeInput(request, response, expectsContinue));
  };
  const choices = { optimizeEmptyRequests: true, ...(headersMs === undefined ? {} : { headersMs }) };
  const serverOptions = routerServerOptions(limits, choices);
  const order = new RequestOrder();
  const server = new CallServer(serverOptions, (request, response) => {
    order.run(request, response, () => {
      if (isLeaving?.()) response.shouldKeepAlive = false;
      if (isOther(request)) other!(request, response);
      else take(request, response, false);
    });
  });
  server.takePlain((handOver) => {
    return new PlainConnections({
      lingering: server.lingering,
      headBytes: Math.min(limits.headerBytes, PLAIN_HEAD_BYTES),
      keepAliveMs: serverOptions.keepAliveTimeout!,
      lookMs: serverOptions.connectionsCheckingInterval!,
      handle(request, response) {
        if (isLeaving?.()) response.shouldKeepAlive = false;
        router.take({ request, response });
      },
      handOver(socket) {
        server.lingering.watch(socket, () => order.isDone(socket));
        handOver(socket);
      },
    });
  });
  server.on("checkContinue", (request, response) => {
    order.run(request, response, () => {
      if (!isOther(request)) return take(request, response, true);
      response.writeContinue();
      other!(request, response);
    });
  });
  server.on("upgrade", (request, socket, head) => {
    order.takeOver(socket, () => router.take(upgradeInput(request, socket, head)));
  });
  server.on("checkExpectation", (request, response) => {
    order.run(request, response, () => refuseExpectation(request, response));
  });
  server.on("connect", (request, socket) => order.takeOver(socket, () => refuseConnect(request, socket)));
  server.on("clientError", clientErrorHandler(limits, router.countRefusal));
  return server;
}

/** Node's HTTP server, which gets a connection when the first request comes on it that is not plain. */
export class CallServer extends Server {
  readonly lingering = new LingeringCloses();
  #plain: PlainConnections | undefined;

  takePlain(create: (handOver: (socket: Socket) => void) => PlainConnections): void {
    const listeners = this.listeners("connection");
    const plain = create((socket) => {
      for (const listener of listeners) listener.call(this, socket);
    });
    this.#plain = plain;
    this.removeAllListeners("connection");
    this.on("connection", (socket: Socket) => plain.take(socket));
  }

  override closeIdleConnections(): void {
    this.#plain?.closeIdle();
    super.closeIdleConnections();
  }

  override closeAllConnections(): void {
    this.#plain?.closeAll();
    super.closeAllConnections();
  }
}
