import { isMap, isSeq } from "yaml";
import type { Draft, Path } from "./draft.ts";
import { addItem } from "./items.ts";
import { removeMember, setMember } from "./members.ts";

/** Sets a member, and changes of what it was no more than differs: comments within stay. */
export function mergeMember(draft: Draft, path: Path, value: unknown): void {
  const before = draft.json(path);
  if (isSame(before, value)) return;
  const node = draft.at(path);
  if (isMap(node) && isObject(value) && isObject(before) && sharesKey(before, value)) {
    for (const key of Object.keys(before)) if (value[key] === undefined) removeMember(draft, [...path, key]);
    for (const [key, member] of Object.entries(value)) {
      if (member !== undefined) mergeMember(draft, [...path, key], member);
    }
  } else if (isSeq(node) && Array.isArray(value) && startsWith(value, before as readonly unknown[])) {
    for (const item of value.slice(node.items.length)) addItem(draft, path, item);
  } else setMember(draft, path, value);
}

function startsWith(list: readonly unknown[], start: readonly unknown[]): boolean {
  return start.length > 0 && start.every((item, index) => isSame(item, list[index]));
}

/** Two objects without a common member have nothing worth keeping. */
function sharesKey(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): boolean {
  return Object.keys(one).some((key) => other[key] !== undefined);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(other).filter((key) => other[key] !== undefined);
  return keys.length === Object.keys(one).length && keys.every((key) => isSame(one[key], other[key]));
}
