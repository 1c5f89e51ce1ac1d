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
