import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestOrder } from "../../http/request-order.ts";
import { Problem } from "../../platform/problems.ts";
import type { CallInput } from "../call/call.ts";
import { isCallTarget, prepare } from "../exchange/request-head.ts";
import type { ClientResponse, ResponseHead } from "../exchange/response.ts";
import type { Router } from "../router.ts";

/** The response of Node's server to a call. */
export class NodeResponse implements ClientResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
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

  writeInformation({ status, headers }: ResponseHead): void {
    if (this.#request.httpVersionMinor === 0) return;
    this.#response.writeInformation(status, headers as string[]);
  }

  writeHead({ status, headers }: ResponseHead, own: readonly string[]): void {
    const response = this.#response;
    response.writeHead(status, [...headers, ...own]);
    // While answers before it are due, Node puts a head that goes with a buffer before everything else that waits to be
    // written: 1xx would become part of the body.
    if (response.socket === null) this.flushHead();
  }

  /** Node's own `flushHeaders` would write what is beyond ASCII as UTF-8. */
  flushHead(): void {
    this.#response.write("", "latin1");
  }

  write(part: Buffer): boolean {
    return this.#response.write(part);
  }

  end(body?: Buffer | string, trailers: readonly string[] = []): void {
    const response = this.#response;
    if (trailers.length > 0) response.addTrailers(pairs(trailers));
    if (typeof body === "string") response.end(body, "latin1");
    else response.end(body);
  }

  truncate(): void {
    const response = this.#response;
    if (response.socket === null) {
      // Answers to requests before it are due on the connection.
      response.once("socket", () => this.truncate());
      return;
    }
    const { socket, httpVersionMinor } = this.#request;
    // In HTTP/1.0 the end of the connection is the end of the body: only a reset tells the difference.
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

function pairs(fields: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i]!, fields[i + 1]!]);
  return list;
}

/** Answers the requests that are not calls. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface NodeCallsOptions {
  readonly router: Pick<Router, "take" | "isLeaving">;
  readonly order: RequestOrder;
  /** Answers what is not below /fn, requests included that come ended; without it the router does. */
  readonly other?: RequestHandler | undefined;
}

/** Listener for `request` and `checkContinue` of Node's server: starts each request when it is its turn. */
export function takeInOrder(
  { router, order, other }: NodeCallsOptions,
  expectsContinue: boolean,
): RequestHandler {
  return (request, response) => {
    order.run(request, response, () => {
      if (router.isLeaving) response.shouldKeepAlive = false;
      if (other !== undefined && !isCallTarget(request.url!)) {
        if (expectsContinue) response.writeContinue();
        other(request, response);
      } else if (isBehindLast(request, response)) request.resume();
      else router.take(nodeInput(request, response, expectsContinue));
    });
  };
}

/**
 * A request of Node's server as the router takes it.
 * @param expectsContinue the client waits for 100 Continue before it sends the body
 */
export function nodeInput(
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): CallInput {
  const problem = framingProblem(request, response);
  const sendContinue = expectsContinue ? () => response.writeContinue() : undefined;
  const client = new NodeResponse(request, response);
  return { request: prepare(request), response: client, problem, incoming: request, sendContinue };
}

/**
 * Refuses what Node's parser accepts although another HTTP parser, before or behind this one, may read it differently.
 * Such a connection is not used again.
 */
function framingProblem(request: IncomingMessage, response: ServerResponse): Problem | undefined {
  const { "transfer-encoding": coding, expect, upgrade } = request.headers;
  // Node drops what came in the same packet as an offer that it declines, and would read on in the middle.
  if (upgrade !== undefined) response.shouldKeepAlive = false;
  let problem: Problem | undefined;
  if (request.httpVersionMajor !== 1) {
    const detail = "The request line names no HTTP/1.0 or HTTP/1.1; send it as one of them.";
    problem = new Problem("invalid_request", detail);
  } else if (coding !== undefined) problem = codingProblem(request, coding);
  if (problem === undefined && expect !== undefined && expect.toLowerCase() !== "100-continue") {
    problem = unknownExpectation();
  }
  if (problem !== undefined) response.shouldKeepAlive = false;
  return problem;
}

export function unknownExpectation(): Problem {
  const detail = "The only expectation that can be met is 100-continue; send the request without Expect.";
  return new Problem("expectation_failed", detail);
}

/**
 * True for a request that stands behind one whose answer closes the connection: it must not be processed
 * (RFC 9112 9.6), because its client will send it again.
 */
function isBehindLast({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const ahead = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  return !socket.writable || (ahead !== response && ahead?.shouldKeepAlive === false);
}

function codingProblem(request: IncomingMessage, coding: string): Problem | undefined {
  // RFC 9112 6.1: in HTTP/1.0 the field makes the framing doubtful, whatever it says.
  if (request.httpVersionMinor !== 0 && coding.toLowerCase() === "chunked") return undefined;
  return new Problem(
    "invalid_request",
    'The only transfer coding that is understood is "chunked", in HTTP/1.1; send the body so, or with Content-Length.',
  );
}
