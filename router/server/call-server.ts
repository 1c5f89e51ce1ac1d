import { type IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { HttpDate } from "../../http/http-date.ts";
import { LingeringCloses } from "../../http/lingering-close.ts";
import { RequestOrder } from "../../http/request-order.ts";
import { Problem } from "../../platform/problems.ts";
import type { CallInput } from "../call/call.ts";
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
  readonly #date = new HttpDate();
  readonly #order: RequestOrder;
  /** Node's own, for connections. */
  readonly #listeners: readonly ((socket: Socket) => void)[];

  constructor(calls: CallServerOptions) {
    const { router, limits, headersMs } = calls;
    const options = routerServerOptions(limits, headersMs);
    const order = new RequestOrder();
    super(options, takeInOrder(calls, order, false));
    this.#order = order;
    this.#listeners = this.listeners("connection") as ((socket: Socket) => void)[];
    this.#plain = new PlainConnections({
      lingering: this.lingering,
      headBytes: Math.min(limits.headerBytes, PLAIN_HEAD_BYTES),
      keepAliveMs: options.keepAliveTimeout!,
      headersMs: options.headersTimeout!,
      checkMs: options.connectionsCheckingInterval!,
      router,
      date: this.#date,
      onIncomplete: (reason, socket) => {
        this.lingering.watch(socket);
        const code = reason === "late" ? "ERR_HTTP_REQUEST_TIMEOUT" : "HPE_INVALID_EOF_STATE";
        this.emit("clientError", Object.assign(new Error(code), { code, reason: "it ended early" }), socket);
      },
      handOver: (socket) => this.takeByNode(socket),
    });
    this.removeAllListeners("connection");
    this.on("connection", (socket: Socket) => this.#plain.take(socket));
    this.on("checkContinue", takeInOrder(calls, order, true));
    this.on("upgrade", (request, socket, head) => {
      order.takeOver(socket, () => {
        const upgrade = { socket: socket as Socket, head };
        router.take(upgradeInput(request, upgrade, { ingress: router.ingress, date: this.#date }));
      });
    });
    this.on("checkExpectation", (request, response) => {
      order.run(request, response, () => refuseExpectation(request, response));
    });
    this.on("connect", (_, socket) => order.takeOver(socket, () => refuseConnect(socket)));
    this.on("clientError", clientErrorHandler(limits, router.countRefusal));
  }

  /** Lets Node's server read a connection from here on. */
  takeByNode(socket: Socket): void {
    this.lingering.watch(socket, () => this.#order.isDone(socket));
    for (const listener of this.#listeners) listener.call(this, socket);
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
  { ingress, date }: { ingress: Ingress; date: HttpDate },
): CallInput {
  const { socket } = upgrade;
  const response = new PlainResponse({
    socket,
    isHead: false,
    keepsAlive: false,
    date,
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
