import { writeCondition } from "../../../http/entity-tags.ts";
import type { VersionCondition } from "../../../platform/secrets.ts";
import type { Call } from "../services.ts";

const VERSION = /^[1-9]\d{0,14}$/;
const RULES = {
  ifMatch: 'If-Match must be * or versions in quotes, such as "3", and excludes If-None-Match.',
  ifNoneMatch: "If-None-Match must be * here: the secret must not exist.",
};

/**
 * Reads the precondition of a write: `If-Match: "VERSION"` or `If-None-Match: *`.
 * @throws Problem `invalid_request`
 */
export function versionCondition({ req }: Pick<Call, "req">): VersionCondition {
  const condition = writeCondition(req, RULES);
  if (condition === undefined || condition === null) return condition;
  if (condition === "*") return "any";
  return condition.flatMap((tag) => (VERSION.test(tag) ? Number(tag) : []));
}
