import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "../../platform/problems.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;
/** Answers a request, or throws a Problem. */
export type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** Returns the path of a target without its query. */
export function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}

/** @throws Problem `method_not_allowed`, with the allowed methods set */
export function requireMethod(
  { method, url = "/" }: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[],
): void {
  if (allowed.includes(method!)) return;
  response.setHeader("allow", allowed.join(", "));
  const detail = `${pathOf(url).slice(0, 80)} answers ${allowed.join(", ")}, not ${method}.`;
  throw new Problem("method_not_allowed", detail);
}
