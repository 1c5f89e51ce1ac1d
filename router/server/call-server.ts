import { Server } from "node:http";
import type { Socket } from "node:net";
import { LingeringCloses } from "../../http/lingering-close.ts";
import { RequestOrder } from "../../http/request-order.ts";
import type { Limits } from "../../platform/limits.ts";
import { PlainConnections } from "../fast-path/plain-connections.ts";
import type { Router } from "../router.ts";
import { upgradeInput } from "../websocket/upgrade-input.ts";
import { type RequestHandler, takeInOrder } from "./node-calls.ts";
import {
  clientErrorHandler,
  refuseConnect,
  refuseExpectation,
  routerServerOptions,
} from "./server-options.ts";

export interface CallServerOptions {
  readonly router: Pick<Router, "take" | "isLeaving" | "countRefusal">;
  readonly limits: Limits;
  /** Time that a client has to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers what is not below /fn; without it the router does. */
  readonly other?: RequestHandler | undefined;
}

/** Time that clients have at the end to take their last responses, in milliseconds. */
export const LAST_RESPONSES_MS = 1_000;

/** The largest head that is read here instead of by node; others are few, and take their time anyway. */
const PLAIN_HEAD_BYTES = 16 * 1024;

/** The server in front of a router, with everything in place that the rules of calls rely on. */
export function createCallServer(options: CallServerOptions): CallServer {
  const { router, limits, headersMs, other } = options;
  const choices = { optimizeEmptyRequests: true, ...(headersMs === undefined ? {} : { headersMs }) };
  const serverOptions = routerServerOptions(limits, choices);
  const order = new RequestOrder();
  const calls = { router, order, other };
  const server = new CallServer(serverOptions, takeInOrder(calls, false));
  server.takePlain((handOver) => {
    return new PlainConnections({
      lingering: server.lingering,
      headBytes: Math.min(limits.headerBytes, PLAIN_HEAD_BYTES),
      keepAliveMs: serverOptions.keepAliveTimeout!,
      lookMs: serverOptions.connectionsCheckingInterval!,
      router,
      handOver(socket) {
        server.lingering.watch(socket, () => order.isDone(socket));
        handOver(socket);
      },
    });
  });
  server.on("checkContinue", takeInOrder(calls, true));
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
