import { PROBLEMS, Problem, type ProblemCode } from "../../../platform/problems.ts";
import type { ReportedProblem } from "./tasks.ts";

/** Problems that a source can cause: a process of a build has no other to report. */
const CODES: readonly ProblemCode[] = [
  "build_failed",
  "invalid_setting",
  "invalid_source",
  "source_too_large",
];

/** Checks a problem that a process of a build reported: the source that it read may have taken it over. */
export function readProblem({ code, detail, extensions }: ReportedProblem): Problem {
  const isKnown = CODES.includes(code) && PROBLEMS[code] !== undefined;
  if (!isKnown || typeof detail !== "string" || typeof extensions !== "object" || extensions === null) {
    throw new Error("a build reported an unknown problem");
  }
  const { errors, setting } = extensions;
  return new Problem(code as "build_failed", detail, {
    ...(Array.isArray(errors) ? { errors } : {}),
    ...(typeof setting === "string" ? { setting } : {}),
  });
}
