import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { Announcements } from "./announcements.ts";
import { responseHeaders } from "./response-headers.ts";

/** A body up to this size is written in one string with its head: one buffer, one system call. */
const SMALL_BYTES = 4 * 1024;

export interface RelayOwner {
  /** Bytes can reach an instance from now on; `controller` breaks the call off. */
  requestStarted(controller: Dispatcher.DispatchController): void;
  /** Value of `Server-Timing` for a call that had to wait for an instance to start; undefined for others. */
  timing(): string | undefined;
  /** The head of the response is on its way to the client, and its body is not all here yet. */
  streamStarted(): void;
  /** Something moved towards the client. */
  progressed(): void;
  /** The instance is done with this call. */
  responseEnded(): void;
  /** The instance did not take the call, or broke it off. */
  failed(error: Error): void;
}

/** One response on its way from undici to the client, with back-pressure. */
export class Relay implements Dispatcher.DispatchHandler {
  readonly #owner: RelayOwner;
  readonly #response: ServerResponse;
  readonly #callId: string;
  #controller: Dispatcher.DispatchController | undefined;
  #announcements: Announcements | undefined;
  #status = 0;
  #headers: string[] = [];
  /** The first part of the body, held back for the rest of the tick: most responses end in it. */
  #held: Buffer | undefined;
  #drains = false;
  #ended = false;

  constructor(owner: RelayOwner, response: ServerResponse, callId: string) {
    this.#owner = owner;
    this.#response = response;
    this.#callId = callId;
  }

  /** A stream of server-sent events has begun: it has no end of its own, and its client comes back after each. */
  get isEventStream(): boolean {
    const at = this.#headers.indexOf("content-type");
    return this.#response.headersSent && at >= 0 && /^text\/event-stream\b/i.test(this.#headers[at + 1]!);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#owner.requestStarted(controller);
  }

  /** What it throws breaks the connection to the instance off, and comes back through onResponseError. */
  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) {
      this.#announcements ??= new Announcements(this.#response);
      // Without the call id, which is no field of the function's.
      this.#announcements.pass(status, responseHeaders(headers, this.#callId).slice(0, -2));
      return;
    }
    const coding = headers["transfer-encoding"];
    if (coding !== undefined && coding.toLowerCase() !== "chunked") {
      throw new Error(`its response has the transfer coding ${coding}, which is not passed on`);
    }
    // A length that stands for no body (RFC 9110 8.6) makes some clients wait for one.
    if (status === 204) delete headers["content-length"];
    if (this.#response.destroyed) return;
    this.#status = status;
    this.#headers = responseHeaders(headers, this.#callId);
    const timing = this.#owner.timing();
    if (timing !== undefined) this.#headers.push("server-timing", timing);
    if (status === 205 && isUnframed(headers)) this.#endUnframed();
    else process.nextTick(sendHead, this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended || this.#response.destroyed) return;
    if (!this.#response.headersSent) {
      if (this.#held === undefined) {
        this.#held = chunk;
        return;
      }
      this.sendHead();
    }
    this.#owner.progressed();
    if (!this.#response.write(chunk)) this.#pause(controller);
  }

  onResponseEnd(_: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.responseEnded();
    const response = this.#response;
    if (response.destroyed) return;
    const body = response.headersSent ? undefined : this.#held;
    if (!response.headersSent) response.writeHead(this.#status, this.#headers);
    if (Object.keys(trailers).length > 0) response.addTrailers(trailers as Record<string, string>);
    if (body === undefined) response.end();
    else if (body.length <= SMALL_BYTES) response.end(body.toString("latin1"), "latin1");
    else response.end(body);
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    // A response that we ended ourselves breaks its connection off.
    if (!this.#ended) this.#owner.failed(error);
  }

  /** Sends the head and what is held back of the body. Does nothing if it has been sent. */
  sendHead(): void {
    const response = this.#response;
    if (this.#ended || response.headersSent || response.destroyed || this.#controller?.aborted) return;
    this.#owner.streamStarted();
    response.writeHead(this.#status, this.#headers);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) response.flushHeaders();
    else if (!response.write(held) && this.#controller !== undefined) this.#pause(this.#controller);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    controller.pause();
    if (this.#drains) return;
    this.#drains = true;
    this.#response.once("drain", () => {
      this.#drains = false;
      this.#owner.progressed();
      controller.resume();
    });
  }

  /** Deno sends 205 without saying that no body follows, and keeps the connection open. */
  #endUnframed(): void {
    this.#ended = true;
    this.#owner.responseEnded();
    this.#response.writeHead(this.#status, [...this.#headers, "content-length", "0"]);
    this.#response.end();
    this.#controller?.abort(new Error("a 205 has no body"));
  }
}

function sendHead(relay: Relay): void {
  relay.sendHead();
}

function isUnframed(headers: IncomingHttpHeaders): boolean {
  return headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
}
