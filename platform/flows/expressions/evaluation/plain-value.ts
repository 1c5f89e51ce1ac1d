import { ExpressionFault, TooCostly } from "../fault.ts";
import { Duration, Optional, type Value } from "./values.ts";

/** Characters of the JSON text that a value would have, about. A little more than the longest output of a step. */
const MAX_WEIGHT = 32 * 1024 * 1024;

interface Plain {
  readonly value: unknown;
  readonly weight: number;
}

/**
 * The value as JSON: timestamps as ISO 8601, durations as `90s`, an empty optional value as null. Maps and lists without such values stay
 * the same objects. An expression can make a small graph of lists whose text would be endless (`[a, a]`, again and again):
 * each list is walked once, and the weight of the whole is bounded.
 */
export function plainValue(value: Value): unknown {
  return plainOf(value, new Map()).value;
}

function plainOf(value: Value, done: Map<object, Plain>): Plain {
  switch (typeof value) {
    case "string":
      return { value, weight: value.length + 2 };
    case "number":
      if (!Number.isFinite(value)) throw new ExpressionFault("The result is too large for a number of JSON.");
      return { value, weight: 5 };
    case "boolean":
      return { value, weight: 5 };
    case "object":
      return value === null ? { value, weight: 4 } : plainOfObject(value, done);
    default:
      throw new ExpressionFault(`A ${typeof value} is no value of an expression.`);
  }
}

function plainOfObject(value: object, done: Map<object, Plain>): Plain {
  if (value instanceof Date) return { value: value.toISOString(), weight: 26 };
  if (value instanceof Duration) return { value: value.toString(), weight: 10 };
  if (value instanceof Optional) return plainOf(value.value ?? null, done);
  const before = done.get(value);
  if (before !== undefined) return before;
  const plain = Array.isArray(value) ? plainOfList(value, done) : plainOfMap(value, done);
  if (plain.weight > MAX_WEIGHT) {
    throw new TooCostly(
      "The expression makes a value of more than 32 MiB of JSON. Compute it in a function.",
    );
  }
  done.set(value, plain);
  return plain;
}

function plainOfList(list: readonly Value[], done: Map<object, Plain>): Plain {
  let weight = 2;
  let changed: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = plainOf(list[index], done);
    weight += item.weight + 1;
    if (item.value !== list[index] && changed === undefined) changed = list.slice(0, index);
    changed?.push(item.value);
  }
  return { value: changed ?? list, weight };
}

function plainOfMap(map: object, done: Map<object, Plain>): Plain {
  let weight = 2;
  let isChanged = false;
  const members: [string, unknown][] = [];
  for (const [key, value] of Object.entries(map)) {
    const member = plainOf(value, done);
    weight += key.length + member.weight + 4;
    isChanged ||= member.value !== value;
    members.push([key, member.value]);
  }
  return { value: isChanged ? Object.fromEntries(members) : map, weight };
}
