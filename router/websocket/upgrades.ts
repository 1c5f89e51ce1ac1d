import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ProxyServer } from "http-proxy-3";
import type { CallContext } from "../call/call-context.ts";
import { HandshakeRequest, UpgradeCall } from "./tunnel.ts";

/** All WebSockets of a router, and the proxy that they go through. */
export class Upgrades {
  readonly #context: CallContext;
  readonly #proxy = new ProxyServer({});
  readonly #open = new Set<UpgradeCall>();

  constructor(context: CallContext) {
    this.#context = context;
    this.#proxy.on("proxyReqWs", (proxied, request) => {
      if (request instanceof HandshakeRequest) request.call.prepare(proxied);
    });
    // Errors of a client's connection, which are followed by its close; without a listener they are thrown.
    this.#proxy.on("error", () => {});
  }

  /** Makes the call for a handshake; the caller starts it. */
  add(request: IncomingMessage, socket: Duplex, head: Buffer): UpgradeCall {
    const call = new UpgradeCall(this.#context, { request, socket, head, proxy: this.#proxy });
    this.#open.add(call);
    socket.once("close", () => this.#open.delete(call));
    return call;
  }

  /** Tells all clients to connect anew, somewhere else. */
  sayFarewell(): void {
    for (const call of this.#open) call.sayFarewell();
  }

  /** Breaks all of them off. */
  close(): void {
    for (const call of this.#open) call.destroy();
    this.#proxy.close();
  }
}
