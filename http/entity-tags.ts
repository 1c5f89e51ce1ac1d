import type { IncomingMessage } from "node:http";
import { Problem } from "../platform/problems.ts";

/** `*`, or the strong entity tags of a field without their quotes. */
export type EntityTags = "*" | readonly string[];

/** A list member of RFC 9110, section 8.8.3. */
const MEMBER = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/**
 * Parses `If-Match` or `If-None-Match` (RFC 9110, section 13.1). Weak tags are left out: they never match in the strong
 * comparison. Undefined if the field is not valid.
 */
export function parseEntityTags(field: string): EntityTags | undefined {
  const text = field.trim();
  if (text === "*") return "*";
  const members = text.split(",").map((member) => MEMBER.exec(member.trim()));
  if (members.some((member) => member === null)) return undefined;
  return members.flatMap((member) => (member![1] === undefined ? member![2]! : []));
}

/** What a write requires: one of these tags, or with null that nothing is there. Undefined: nothing. */
export type WriteCondition = EntityTags | null | undefined;

/** Error texts for fields that are not valid. */
export interface ConditionRules {
  readonly ifMatch: string;
  readonly ifNoneMatch: string;
}

/**
 * Reads the precondition of a write: `If-Match` with tags, or `If-None-Match: *`.
 * @throws Problem `invalid_request`
 */
export function writeCondition(
  { headers }: Pick<IncomingMessage, "headers">,
  { ifMatch, ifNoneMatch }: ConditionRules,
): WriteCondition {
  const { "if-match": match, "if-none-match": noneMatch } = headers;
  if (match === undefined) {
    if (noneMatch === undefined) return undefined;
    if (noneMatch.trim() === "*") return null;
    throw new Problem("invalid_request", ifNoneMatch);
  }
  const tags = noneMatch === undefined ? parseEntityTags(match) : undefined;
  if (tags === undefined) throw new Problem("invalid_request", ifMatch);
  return tags;
}
