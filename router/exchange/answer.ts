import type { Socket } from "node:net";
import { READABLE_FIELDS } from "../../client-image/start-message.ts";
import { fieldOf } from "../../http/fields.ts";
import { type RenderedProblem, renderProblem } from "../../http/problem-answer.ts";
import { UNFORWARDED_HEADER } from "../../http/unforwarded.ts";
import { INTERNAL_KEY_ID } from "../../platform/keys/internal-key.ts";
import { keyIdOf } from "../../platform/keys/key-text.ts";
import { PROBLEMS, type Problem } from "../../platform/problems.ts";
import type { RequestHead } from "./request.ts";
import type { ClientResponse } from "./response.ts";

const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** The methods and header names that a preflight may ask for. */
const TOKENS = /^[-\w!#$%&'*+.^`|~, ]+$/;

/** Answers a request with a problem document. The response must not have begun. */
export function answerProblem(response: ClientResponse, problem: Problem, callId: string): void {
  writeProblem(response, render(problem, callId));
}

export interface RefusedCall {
  readonly id: string;
  readonly request: { readonly head: RequestHead; readonly key?: string | undefined };
  readonly response: ClientResponse;
  /** Fields about the quotas of the call, names and values in turn. */
  readonly quotaFields?: readonly string[];
  /** An instance may have begun to run it. Absent: none has. */
  readonly isForwarded?: boolean;
}

/** Answers a call with a problem document that pages of every origin can read. */
export function answerRefused(call: RefusedCall, problem: Problem): void {
  const { id, request, response, quotaFields = [], isForwarded = false } = call;
  const { status, headers, body } = render(problem, id);
  Object.assign(headers, READABLE_FIELDS);
  const isInternal = request.key !== undefined && keyIdOf(request.key) === INTERNAL_KEY_ID;
  if (isInternal && !isForwarded) headers[UNFORWARDED_HEADER] = "true";
  for (let i = 0; i < quotaFields.length; i += 2) headers[quotaFields[i]!] = quotaFields[i + 1]!;
  const asked = isUnanswered(problem) ? preflightOf(request.head) : undefined;
  if (asked === undefined) writeProblem(response, { status, headers, body });
  else {
    // After another status a browser would not send the real request, and its page would see no problem at all.
    const { "content-type": _, "content-length": __, ...fields } = headers;
    writeProblem(response, { status: 204, headers: { ...fields, ...asked }, body: "" });
  }
}

/** Reports whether the function was unreachable or did not answer. A preflight has no key, its request may have one. */
function isUnanswered({ status }: Problem): boolean {
  return status === 401 || status === 403 || status === 404 || status === 429 || status >= 500;
}

/**
 * Returns what a CORS preflight asks for, for this request alone; undefined if it is none. Without
 * `Access-Control-Allow-Credentials`, which only a function grants, browsers send no cookies.
 */
function preflightOf({ method, rawHeaders }: RequestHead): Record<string, string> | undefined {
  if (method !== "OPTIONS") return undefined;
  const asked = (name: string) => {
    const value = fieldOf(rawHeaders, name) ?? "";
    return TOKENS.test(value) ? value : undefined;
  };
  const allowedMethod = asked("access-control-request-method");
  if (allowedMethod === undefined) return undefined;
  const names = asked("access-control-request-headers");
  return {
    "access-control-allow-methods": allowedMethod,
    ...(names === undefined ? {} : { "access-control-allow-headers": names }),
    "access-control-max-age": "0",
  };
}

/** Answers on a connection without a response object (malformed request, CONNECT) and closes it. */
export function answerRaw(socket: Socket, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  headers.connection = "close";
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { title } = PROBLEMS[problem.code];
  // Node has removed its listeners, and an error without a listener ends the process.
  socket.on("error", () => {});
  socket.write(`HTTP/1.1 ${problem.status} ${title}\r\n${fields.join("")}\r\n${body}`, "latin1");
  // The client may still be sending, and the server keeps connections half open.
  socket.destroySoon();
}

function writeProblem(response: ClientResponse, { status, headers, body }: RenderedProblem): void {
  response.writeHead({ status, headers: Object.entries(headers).flat() }, []);
  response.end(body);
}

/** Renders the document as one character per byte. */
function render(problem: Problem, callId: string): RenderedProblem {
  const rendered = renderProblem(problem, callId);
  if (problem.code === "method_not_allowed") rendered.headers.allow = ALLOW;
  return rendered;
}
