import { parseEntityTags } from "../../../http/entity-tags.ts";
import { Problem } from "../../../platform/problems.ts";
import type { KeyCondition } from "../../access/key-registry.ts";
import type { Call } from "../services.ts";

/**
 * Reads the precondition of a write: `If-Match` with revisions, which the `ETag` of a key names.
 * @throws Problem `invalid_request`
 */
export function keyCondition({ req }: Pick<Call, "req">): KeyCondition {
  const { "if-match": match, "if-none-match": noneMatch } = req.headers;
  if (match === undefined && noneMatch === undefined) return undefined;
  const tags = match === undefined || noneMatch !== undefined ? undefined : parseEntityTags(match);
  if (tags !== undefined) return tags;
  const detail = "A write of a key takes If-Match alone: * or the ETag that GET /key/ID answers.";
  throw new Problem("invalid_request", detail);
}
