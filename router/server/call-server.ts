import { randomUUID } from "node:crypto";
import { type IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { LingeringCloses } from "../../http/lingering-close.ts";
import { RequestOrder } from "../../http/request-order.ts";
import { Problem } from "../../platform/problems.ts";
import type { CallInput } from "../call/call.ts";
import { answerRaw } from "../exchange/answer.ts";
import { notHttp } from "../exchange/problems.ts";
import type { Ingress } from "../exchange/request.ts";
import { prepare } from "../exchange/request-head.ts";
import { PlainConnections } from "../fast-path/plain-connections.ts";
import { PlainResponse } from "../fast-path/plain-response.ts";
import { type CallServerOptions, takeInOrder } from "./node-calls.ts";
import {
  clientErrorHandler,
  refuseConnect,
  refuseExpectation,
  routerServerOptions,
} from "./server-options.ts";

/** The largest head that the fast path reads. Larger ones are rare and slow for other reasons. */
const PLAIN_HEAD_BYTES = 16 * 1024;

/** The server of a router. A connection goes to Node's server at its first request that is not plain. */
export class CallServer extends Server {
  readonly lingering = new LingeringCloses();
  readonly #plain: PlainConnections;

  constructor(calls: CallServerOptions) {
    const { router, limits, headersMs } = calls;
    const options = routerServerOptions(limits, headersMs);
    const order = new RequestOrder();
    super(options, takeInOrder(calls, order, false));
    const listeners = this.listeners("connection");
    this.#plain = new PlainConnections({
      lingering: this.lingering,
      headBytes: Math.min(limits.headerBytes, PLAIN_HEAD_BYTES),
      keepAliveMs: options.keepAliveTimeout!,
      checkMs: options.connectionsCheckingInterval!,
      router,
      onBroken: (socket) => {
        router.countRefusal("invalid_request");
        this.lingering.watch(socket);
        answerRaw(socket, notHttp("it ended early"), randomUUID());
      },
      handOver: (socket) => {
        this.lingering.watch(socket, () => order.isDone(socket));
        for (const listener of listeners) listener.call(this, socket);
      },
    });
    this.removeAllListeners("connection");
    this.on("connection", (socket: Socket) => this.#plain.take(socket));
    this.on("checkContinue", takeInOrder(calls, order, true));
    this.on("upgrade", (request, socket, head) => {
      order.takeOver(socket, () => {
        const upgrade = { socket: socket as Socket, head };
        router.take(upgradeInput(request, upgrade, router.ingress));
      });
    });
    this.on("checkExpectation", (request, response) => {
      order.run(request, response, () => refuseExpectation(request, response));
    });
    this.on("connect", (_, socket) => order.takeOver(socket, () => refuseConnect(socket)));
    this.on("clientError", clientErrorHandler(limits, router.countRefusal));
  }

  override closeIdleConnections(): void {
    this.#plain.closeIdle();
    super.closeIdleConnections();
  }

  override closeAllConnections(): void {
    this.#plain.closeAll();
    super.closeAllConnections();
  }
}

/**
 * Returns a WebSocket handshake (RFC 6455 4.1) in the form that the router takes.
 * @param upgrade the connection, which Node's server has released, and the bytes after the handshake
 */
function upgradeInput(
  request: IncomingMessage,
  upgrade: NonNullable<CallInput["upgrade"]>,
  ingress: Ingress,
): CallInput {
  const { socket } = upgrade;
  const response = new PlainResponse({
    socket,
    isHead: false,
    keepsAlive: false,
    date: () => new Date().toUTCString(),
    keepAlive: "",
    onFinish: () => socket.destroySoon(),
  });
  // An error is followed by close, which ends the call.
  socket.on("error", () => {});
  socket.on("drain", () => response.drained());
  socket.once("close", () => response.close());
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  const hasBody = (length !== undefined && length !== "0") || coding !== undefined;
  const detail = "A WebSocket handshake cannot have a body: send it without one.";
  const problem = hasBody ? new Problem("invalid_request", detail) : undefined;
  return { request: prepare(request, ingress), response, problem, upgrade };
}
