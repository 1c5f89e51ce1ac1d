import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestOrder } from "../../http/request-order.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import type { CallInput } from "../call/call.ts";
import type { Ingress } from "../exchange/request.ts";
import { isCall, prepare } from "../exchange/request-head.ts";
import type { ClientResponse, ResponseHead } from "../exchange/response.ts";
import type { Router } from "../router.ts";
import { NodeBody } from "./node-body.ts";

/** The response to a call on a connection of Node's server. */
export class NodeResponse implements ClientResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The head was written. */
  #isFlushed = false;
  readonly #sentBefore: number;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.#sentBefore = request.socket.bytesWritten;
  }

  get shouldKeepAlive(): boolean {
    return this.#response.shouldKeepAlive;
  }

  set shouldKeepAlive(value: boolean) {
    this.#response.shouldKeepAlive = value;
  }

  get statusCode(): number {
    return this.#response.statusCode;
  }

  get headersSent(): boolean {
    return this.#response.headersSent;
  }

  get destroyed(): boolean {
    return this.#response.destroyed;
  }

  get writableFinished(): boolean {
    return this.#response.writableFinished;
  }

  get bytesSent(): number {
    return this.#request.socket.bytesWritten - this.#sentBefore;
  }

  writeInformation({ status, headers }: ResponseHead): void {
    if (this.#request.httpVersionMinor === 0) return;
    this.#response.writeInformation(status, headers as string[]);
  }

  writeHead({ status, headers }: ResponseHead, own: readonly string[]): void {
    const response = this.#response;
    response.writeHead(status, [...headers, ...own]);
    // While answers before it are due, Node writes a head that goes with a buffer before everything else that
    // is queued: a 1xx response would become part of the body.
    if (response.socket === null) this.flush();
  }

  write(part: Buffer): void {
    this.#response.write(Buffer.from(part));
    this.#isFlushed = true;
  }

  flush(): boolean {
    const response = this.#response;
    // Nothing as latin1, because Node's `flushHeaders` would write characters beyond ASCII as UTF-8.
    if (!this.#isFlushed) response.write("", "latin1");
    this.#isFlushed = true;
    return !response.writableNeedDrain;
  }

  end(body?: string, trailers: readonly string[] = []): void {
    const response = this.#response;
    if (trailers.length > 0) {
      const pairs = trailers.map((name, i): [string, string] => [name, trailers[i + 1]!]);
      response.addTrailers(pairs.filter((_, i) => i % 2 === 0));
    }
    response.end(body, "latin1");
  }

  truncate(): void {
    const response = this.#response;
    if (response.socket === null) {
      // Answers to requests before it are due on the connection.
      response.once("socket", () => this.truncate());
      return;
    }
    const { socket, httpVersionMinor } = this.#request;
    // In HTTP/1.0 the end of the connection ends the body: only a reset shows that it is incomplete.
    if (httpVersionMinor === 0) socket.resetAndDestroy();
    else socket.destroy();
  }

  onClose(listener: () => void): void {
    this.#response.once("close", listener);
  }

  onDrain(listener: () => void): void {
    this.#response.once("drain", listener);
  }
}

/** Answers the requests that are not calls. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface CallServerOptions {
  readonly router: Pick<Router, "take" | "isLeaving" | "countRefusal" | "ingress">;
  readonly limits: Limits;
  /** Time for a client to send a header block, in milliseconds. */
  readonly headersMs?: number | undefined;
  /** Answers requests that are not below /fn; the router does by default. */
  readonly other?: RequestHandler | undefined;
}

/** Returns a listener for `request` or `checkContinue`, which starts each request when it is its turn. */
export function takeInOrder(
  { router, other }: CallServerOptions,
  order: RequestOrder,
  expectsContinue: boolean,
): RequestHandler {
  return (request, response) => {
    order.run(request, response, () => {
      if (router.isLeaving) response.shouldKeepAlive = false;
      if (other !== undefined && !isCall(request, router.ingress)) {
        if (expectsContinue) response.writeContinue();
        other(request, response);
      } else if (isBehindLast(request, response)) request.resume();
      else router.take(nodeInput(request, response, { expectsContinue, ingress: router.ingress }));
    });
  };
}

export interface NodeInputOptions {
  readonly ingress: Ingress;
  /** The client waits for 100 Continue before it sends the body. */
  readonly expectsContinue: boolean;
}

/** Returns a request of Node's server in the form that the router takes. */
export function nodeInput(
  request: IncomingMessage,
  response: ServerResponse,
  { ingress, expectsContinue }: NodeInputOptions,
): CallInput {
  const problem = framingProblem(request, response);
  const sendContinue = expectsContinue ? () => response.writeContinue() : undefined;
  const client = new NodeResponse(request, response);
  return {
    request: prepare(request, ingress),
    response: client,
    problem,
    body: NodeBody.of(request),
    sendContinue,
  };
}

/**
 * Refuses requests that Node's parser accepts and that another HTTP parser before or behind this one may read
 * differently. Such a connection is not used again.
 */
function framingProblem(request: IncomingMessage, response: ServerResponse): Problem | undefined {
  const { "transfer-encoding": coding, expect, upgrade } = request.headers;
  // Node drops the rest of a packet with an upgrade that it declines, and would continue in the middle.
  if (upgrade !== undefined) response.shouldKeepAlive = false;
  let problem: Problem | undefined;
  if (request.httpVersionMajor !== 1) {
    problem = new Problem(
      "invalid_request",
      "The request line has another version than HTTP/1.0 or HTTP/1.1.",
    );
  } else if (coding !== undefined) problem = codingProblem(request, coding);
  if (problem === undefined && expect !== undefined && expect.toLowerCase() !== "100-continue") {
    problem = unknownExpectation();
  }
  if (problem !== undefined) response.shouldKeepAlive = false;
  return problem;
}

export function unknownExpectation(): Problem {
  const detail = "Skiff supports no expectation but 100-continue: send the request without Expect.";
  return new Problem("expectation_failed", detail);
}

/**
 * Returns whether a request follows one whose answer closes the connection. It must not be processed (RFC
 * 9112 9.6), because its client sends it again.
 */
function isBehindLast({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const ahead = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  return !socket.writable || (ahead !== response && ahead?.shouldKeepAlive === false);
}

function codingProblem(request: IncomingMessage, coding: string): Problem | undefined {
  // RFC 9112 6.1: in HTTP/1.0 any value of the field makes the framing ambiguous.
  if (request.httpVersionMinor !== 0 && coding.toLowerCase() === "chunked") return undefined;
  const detail =
    'Skiff supports no transfer coding but "chunked", in HTTP/1.1: send the body so, or with Content-Length.';
  return new Problem("invalid_request", detail);
}
