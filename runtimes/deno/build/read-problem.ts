import { PROBLEMS, Problem, type ProblemCode } from "../../../platform/problems.ts";
import type { Reply } from "./tasks.ts";

/** What may come of a source: a worker has no other to tell of. */
const CODES: readonly ProblemCode[] = ["build_failed", "invalid_source", "source_too_large"];

/**
 * The problem that a worker told of. It has read a source that may have taken it over, so that nothing but the form
 * is believed.
 */
export function readProblem(reply: Extract<Reply, { outcome: "problem" }>): Problem {
  const { code, detail, extensions } = reply;
  const isKnown = CODES.includes(code) && PROBLEMS[code] !== undefined;
  if (!isKnown || typeof detail !== "string" || typeof extensions !== "object" || extensions === null) {
    throw new Error("a build worker told of a problem that is none");
  }
  const { errors, setting } = extensions;
  return new Problem(code as "build_failed", detail, {
    ...(Array.isArray(errors) ? { errors } : {}),
    ...(typeof setting === "string" ? { setting } : {}),
  });
}
