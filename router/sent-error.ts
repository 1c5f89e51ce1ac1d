import { inspect } from "node:util";
import { Problem } from "../platform/problems.ts";
import type { SentError } from "./worker-messages.ts";

/** An error as it goes between processes, which keep no classes. */
export function sendError(error: unknown): SentError {
  if (!(error instanceof Problem)) return { message: inspect(error) };
  const { code, detail, extensions } = error;
  return { code, detail, extensions };
}

export function receiveError(error: SentError): Error {
  return "code" in error ? new Problem(error.code, error.detail, error.extensions) : new Error(error.message);
}
