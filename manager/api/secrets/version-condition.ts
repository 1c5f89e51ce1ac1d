import { parseEntityTags } from "../../../http/entity-tags.ts";
import { Problem } from "../../../platform/problems.ts";
import type { VersionCondition } from "../../../platform/secrets.ts";
import type { Call } from "../services.ts";

const VERSION = /^[1-9]\d{0,14}$/;

/**
 * Reads the precondition of a write: `If-Match: "VERSION"` or `If-None-Match: *`.
 * @throws Problem `invalid_request`
 */
export function versionCondition({ req }: Pick<Call, "req">): VersionCondition {
  const { "if-match": match, "if-none-match": noneMatch } = req.headers;
  if (match === undefined && noneMatch === undefined) return undefined;
  if (match === undefined) {
    if (noneMatch!.trim() === "*") return null;
    throw new Problem("invalid_request", "If-None-Match must be * here: the secret must not exist.");
  }
  const tags = noneMatch === undefined ? parseEntityTags(match) : undefined;
  if (tags === undefined) {
    const detail = 'If-Match must be * or versions in quotes, such as "3", and excludes If-None-Match.';
    throw new Problem("invalid_request", detail);
  }
  if (tags === "*") return "any";
  return tags.flatMap((tag) => (VERSION.test(tag) ? Number(tag) : []));
}
