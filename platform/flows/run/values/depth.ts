/** Most lists and objects within each other in a value of a flow. What reads, compares and writes values goes down level by level. */
export const MOST_LEVELS = 200;

/** What is said of a value that is too deep. */
export const TOO_DEEP = `nested deeper than ${MOST_LEVELS} levels`;

/** Whether a value of JSON has more levels than flows read. It looks no deeper than that. */
export function isTooDeep(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return members.some((member) => isTooDeep(member, levels - 1));
}
