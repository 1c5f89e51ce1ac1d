import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { Problem, problemDocument, problemHeaders, toProblem } from "../platform/problems.ts";
import { ClientLeft } from "./client-signal.ts";

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** One character per byte. */
  readonly body: string;
}

export function renderProblem(problem: Problem, callId: string): RenderedProblem {
  const headers = problemHeaders(problem, callId);
  const body = Buffer.from(`${JSON.stringify(problemDocument(problem, callId))}\n`).toString("latin1");
  headers["content-length"] = String(body.length);
  return { status: problem.status, headers, body };
}

/**
 * Answers a request of Node's server with a problem document, besides the fields that were set. A response that has begun
 * is broken off. After `request_timeout` the connection closes: the rest of the body would block it.
 */
export function answerProblem(response: ServerResponse, problem: Problem, callId: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = renderProblem(problem, callId);
  if (problem.code === "request_timeout") headers.connection = "close";
  response.writeHead(status, headers).end(body, "latin1");
}

/** Answers a request whose handler has thrown. The stack of an unexpected error is printed only. */
export function answerError(response: ServerResponse, error: unknown, print: (line: string) => void): void {
  if (error instanceof ClientLeft) {
    response.destroy();
    return;
  }
  const callId = randomUUID();
  if (!(error instanceof Problem)) print(`internal error in call ${callId}: ${inspect(error)}`);
  answerProblem(response, toProblem(error), callId);
}
