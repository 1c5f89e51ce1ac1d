import { type WriteCondition, writeCondition } from "../../../http/entity-tags.ts";
import { type Declared, preconditionFailed } from "../../../platform/declarations.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Call } from "../services.ts";

const RULES = {
  ifMatch: "If-Match must be * or the ETag that GET answers, and excludes If-None-Match.",
  ifNoneMatch: "If-None-Match of a write must be *: it must not exist.",
};

/**
 * Reads the precondition of a write: `If-Match` with revisions, which an `ETag` names, or `If-None-Match: *`.
 * @throws Problem `invalid_request`
 */
export function revisionCondition({ req }: Pick<Call, "req">): WriteCondition {
  return writeCondition(req, RULES);
}

/**
 * Returns the revision that the write must name.
 * @param what kind and name of the declaration
 * @param before the declaration as it is now
 * @throws Problem `precondition_failed`
 */
export function ifRevisionOf(
  condition: WriteCondition,
  before: Declared | undefined,
  what: string,
): string | null | undefined {
  if (condition === undefined || condition === null) return condition;
  if (before === undefined) throw new Problem("precondition_failed", `There is no ${what} now.`);
  if (condition === "*") return undefined;
  if (condition.includes(before.revision)) return before.revision;
  throw preconditionFailed(what, condition.join(", "));
}
