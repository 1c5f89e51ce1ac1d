import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../platform/problems.ts";

export interface Accepted {
  readonly id: string;
  /** False for a repeated request. */
  readonly isNew: boolean;
  readonly traceparent: string;
}

/** Answers that a call is stored. */
export function acknowledge(response: ServerResponse, { id, isNew, traceparent }: Accepted): void {
  const url = `/call/${id}`;
  // A call that a repeated request made may have ended.
  const body = `${JSON.stringify({ id, url, ...(isNew ? { state: "waiting" } : {}) })}\n`;
  response
    .writeHead(202, {
      "content-type": "application/json; charset=utf-8",
      "content-length": body.length,
      "cache-control": "no-store",
      location: url,
      "x-skiff-call-id": id,
      traceparent,
      ...(isNew ? {} : { "idempotency-replayed": "true" }),
    })
    .end(body);
}

/** The function grants nothing at this time, so pages of other origins get what needs no grant. */
export function refusePreflight({ method, headers }: IncomingMessage): void {
  if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return;
  const detail =
    "Pages of other origins cannot make asynchronous calls that browsers ask about first: call from a page of this origin or from a program.";
  throw new Problem("forbidden", detail);
}

export function unknownRoute({ method, url = "" }: IncomingMessage): Problem {
  const detail = `Nothing is served at ${method} ${url.slice(0, 80)}: asynchronous calls go to /async/fn/NAME.`;
  return new Problem("unknown_route", detail);
}
