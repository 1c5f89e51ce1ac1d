import { Agent, type ClientRequest, type IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import type { ProxyServer } from "http-proxy-3";
import { Problem, type ProblemCode } from "../../platform/problems.ts";
import type { CallContext } from "../call/call-context.ts";
import { answerRaw } from "../exchange/answer.ts";
import * as problems from "../exchange/problems.ts";
import { requestHeaders } from "../exchange/request-head.ts";
import type { Target } from "../exchange/target.ts";
import { responseHeaders } from "../headers/response-headers.ts";
import { PlacedCall } from "../placement/placement.ts";
import type { Route } from "../placement/version.ts";
import { type Backend, CONNECT_MS } from "../upstream/instance.ts";
import { Farewell } from "./close-frame.ts";

/** Time that a function has to say its last word after the client has, in milliseconds. */
const FAREWELL_MS = 1_000;

export interface UpgradeOptions {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly proxy: ProxyServer;
}

/** One WebSocket from its handshake to its end: place → connect → hand shake → finish. */
export class UpgradeCall extends PlacedCall {
  readonly #context: CallContext;
  readonly #options: UpgradeOptions;
  readonly #socket: Socket;
  #target: Target | undefined;
  #headers: string[] = [];
  #upstream: Socket | undefined;
  #farewell: Farewell | undefined;
  /** Status of the answer; 0 until there is one. */
  #status = 0;
  #code: ProblemCode | undefined;
  readonly #sentBefore: number;
  readonly #receivedBefore: number;

  constructor(context: CallContext, options: UpgradeOptions) {
    super(context);
    this.#context = context;
    this.#options = options;
    this.#socket = options.socket as Socket;
    this.#sentBefore = this.#socket.bytesWritten;
    this.#receivedBefore = this.#socket.bytesRead - options.head.length;
    // An error is followed by close, which ends the call.
    this.#socket.on("error", () => {});
    this.#socket.once("close", () => this.#finish());
  }

  /** @throws Problem for what is known to be wrong before an instance is asked */
  start(target: Target, route: Route): void {
    const { request } = this.#options;
    this.route = route;
    this.#target = target;
    const outgoing = requestHeaders(request, target);
    this.#headers = [...outgoing.headers, ...this.ownFields(outgoing)];
    const { "content-length": length, "transfer-encoding": encoding } = request.headers;
    if ((length !== undefined && length !== "0") || encoding !== undefined) {
      throw new Problem("invalid_request", "A WebSocket handshake has no body; send it without one.");
    }
    this.place(route);
  }

  protected override forward(backend: Backend): void {
    this.phase = "forwarding";
    const { address } = backend.instance;
    // Connected before the proxy gets it, because the proxy ends the client's connection on every error.
    const upstream = connect("unix" in address ? { path: address.unix } : address);
    this.#upstream = upstream;
    const timer = setTimeout(() => upstream.destroy(new Error("connecting took too long")), CONNECT_MS);
    const refused = () => {
      clearTimeout(timer);
      if (this.phase === "forwarding") this.retry();
    };
    upstream.once("error", refused);
    upstream.once("connect", () => {
      clearTimeout(timer);
      upstream.off("error", refused);
      if (this.phase === "forwarding") this.#shakeHands(upstream);
      else upstream.destroy();
    });
  }

  /** For the proxy's `proxyReqWs` event, before it attaches listeners of its own. */
  prepare(proxied: ClientRequest): void {
    proxied.once("upgrade", (response: IncomingMessage) => {
      const fields = toRecord(responseHeaders(response.headers, 101, this.id));
      response.headers = { connection: "Upgrade", upgrade: "websocket", ...fields };
      this.#opened(101);
      this.#socket.once("end", () => {
        const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
        this.#socket.once("close", () => clearTimeout(timer));
      });
    });
    // The proxy's own way to pass a plain response on knows no back-pressure and frames 204 wrongly.
    proxied.once("socket", () => {
      proxied.removeAllListeners("response");
      proxied.once("response", (response: IncomingMessage) => this.#passOn(response));
      // After the proxy's own listener, which connects the two sockets.
      proxied.once("upgrade", () => {
        this.#farewell = new Farewell(this.#upstream!, this.#socket);
        if (this.#context.isClosing()) this.#farewell.say();
      });
    });
  }

  override refuse(problem: Problem): void {
    const { request } = this.#options;
    const isOpen = this.#status !== 0;
    this.releaseSlot();
    this.phase = "ended";
    this.#upstream?.destroy();
    this.#code = problem.code;
    this.route?.counters.countRefusal(problem.code);
    if (problem.status >= 500) {
      const what = `${request.method} ${request.url?.slice(0, 200)} (WebSocket)`;
      this.#context.failures.print(`${what} failed: ${problem.status} ${problem.message} (call ${this.id})`);
    }
    if (isOpen || !this.#socket.writable) {
      this.#socket.destroy();
      return;
    }
    this.#answered(problem.status);
    answerRaw(this.#socket, problem, this.id);
  }

  protected override silent(): void {
    const timeoutMs = this.route!.timeoutMs;
    this.refuse(
      this.phase === "forwarding" ? problems.callTimeout(timeoutMs) : problems.streamIdle(this.limits),
    );
  }

  /** Tells the client that this end is going away. Does nothing before the handshake is done. */
  sayFarewell(): void {
    this.#farewell?.say();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.#socket.destroy();
  }

  #shakeHands(upstream: Socket): void {
    const { request, head, proxy } = this.#options;
    const headers = { ...toRecord(this.#headers), connection: "Upgrade", upgrade: "websocket" };
    const { httpVersion, httpVersionMajor } = request;
    const shown = new HandshakeRequest(this, {
      url: this.#target!.path,
      headers,
      httpVersion,
      httpVersionMajor,
    });
    const agent = new Agent({ maxSockets: 1 });
    agent.createConnection = () => upstream;
    upstream.once("close", () => this.#upstreamClosed());
    const target = { protocol: "http:", host: "localhost", port: 80 };
    proxy.ws(
      shown as unknown as IncomingMessage,
      this.#socket,
      head,
      { target, agent, toProxy: true },
      (error) => {
        if (this.phase === "forwarding") {
          this.doubtInstance();
          this.refuse(problems.instanceFailed(error, this.limits, false));
        } else this.#socket.destroy();
      },
    );
  }

  /** From here on the timer of the call is the idle timeout of its connection, in both directions. */
  #opened(status: number): void {
    this.#answered(status);
    this.becomesStream();
    this.disarm();
    this.#socket.setTimeout(this.limits.streamIdleMs, () => this.refuse(problems.streamIdle(this.limits)));
  }

  #passOn(upstreamResponse: IncomingMessage): void {
    const response = new ServerResponse(this.#options.request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#socket);
    // The server, which would tell the response, has let go of this connection.
    this.#socket.on("drain", () => response.emit("drain"));
    const status = upstreamResponse.statusCode!;
    this.#opened(status);
    response.writeHead(status, responseHeaders(upstreamResponse.headers, status, this.id));
    pipeline(upstreamResponse, response, (error) => {
      if (error) this.#socket.destroy();
      else this.#socket.destroySoon();
    });
  }

  #upstreamClosed(): void {
    this.releaseSlot();
    // A plain answer may still be on its way to the client.
    if (this.#status === 101) this.#socket.destroySoon();
  }

  #finish(): void {
    this.disarm();
    this.releaseSlot();
    this.phase = "ended";
    const upstream = this.#upstream;
    // What the client sent last may still be on its way to the function.
    upstream?.destroySoon();
    upstream?.setTimeout(this.limits.streamIdleMs, () => upstream.destroy());
    if (this.#status === 0 && this.route !== undefined) this.route.counters.abandoned++;
    this.tellEnd({
      request: this.#options.request,
      status: this.#status,
      isAborted: this.#status === 0,
      requestBytes: this.#socket.bytesRead - this.#receivedBefore,
      responseBytes: this.#socket.bytesWritten - this.#sentBefore,
      code: this.#code,
    });
    this.#context.ended();
  }

  #answered(status: number): void {
    this.#status = status;
    this.version?.count(status);
    this.route?.counters.countDuration(this.elapsedMs);
  }
}

interface HandshakeFields {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
}

/** What the proxy is shown instead of the client's request: the fields that may reach an instance. */
export class HandshakeRequest {
  readonly call: UpgradeCall;
  readonly method = "GET";
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;

  constructor(call: UpgradeCall, { url, headers, httpVersion, httpVersionMajor }: HandshakeFields) {
    this.call = call;
    this.url = url;
    this.headers = headers;
    this.httpVersion = httpVersion;
    this.httpVersionMajor = httpVersionMajor;
  }
}

/** Names and values in turn as one object, repeated names with all their values. */
function toRecord(fields: readonly string[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    const value = fields[i + 1]!;
    const before = record[name];
    if (before === undefined) record[name] = value;
    else if (typeof before === "string") record[name] = [before, value];
    else before.push(value);
  }
  return record;
}
