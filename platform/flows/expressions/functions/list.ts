import type { Meter } from "../evaluation/meter.ts";
import { isEqual, order } from "../evaluation/operators.ts";
import { describe, memberOf, type Value, type ValueMap } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";
import { type Functions, meteredRow, row } from "./signature.ts";

type List = readonly Value[];

export const LIST_METHODS: Functions = {
  slice: [
    row("list, number", "list", (list: List, from: number) => slice(list, from, list.length)),
    row("list, number, number", "list", slice),
  ],
  flatten: [meteredRow("list", "list", flatten)],
  distinct: [meteredRow("list", "list", distinct)],
  sort: [meteredRow("list", "list", sort)],
};

export const LIST_FUNCTIONS: Functions = {
  keys: [meteredRow("map", "list", keysOf)],
  values: [
    meteredRow("map", "list", (map: ValueMap, meter: Meter) =>
      keysOf(map, meter).map((key) => memberOf(map, key)),
    ),
  ],
  sum: [row("list", "number", sum)],
  min: [
    row("list", "any", (list: List) => extreme(list, -1)),
    row("any, any", "any", (a, b) => extreme([a, b], -1)),
  ],
  max: [
    row("list", "any", (list: List) => extreme(list, 1)),
    row("any, any", "any", (a, b) => extreme([a, b], 1)),
  ],
};

/** Objects with many members take about ten times as long as lists. */
function keysOf(map: ValueMap, meter: Meter): string[] {
  const keys = Object.keys(map);
  meter.spend(10 * keys.length);
  return keys;
}

function slice(list: List, from: number, to: number): Value[] {
  if (Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= list.length) {
    return list.slice(from, to);
  }
  throw new ExpressionFault(
    `\`slice\` from ${from} to ${to} is outside of a list of ${list.length} elements.`,
  );
}

/** One level. */
function flatten(list: List, meter: Meter): Value[] {
  let length = 0;
  for (const item of list) length += Array.isArray(item) ? item.length : 1;
  meter.spend(length);
  return list.flat();
}

function distinct(list: List, meter: Meter): Value[] {
  const seen = new Set<Value>();
  const objects: Value[] = [];
  return list.filter((item) => {
    if (typeof item !== "object" || item === null) return !seen.has(item) && seen.add(item);
    if (objects.some((other) => isEqual(item, other, meter))) return false;
    objects.push(item);
    return true;
  });
}

function sort(list: List, meter: Meter): Value[] {
  return list.toSorted((a, b) => {
    meter.spend(1 + (typeof a === "string" ? a.length >> 4 : 0));
    return orderOf(a, b, "sort");
  });
}

function sum(list: List): number {
  let total = 0;
  for (const item of list) {
    if (typeof item !== "number") {
      throw new ExpressionFault(`\`sum\` needs a list of numbers, and this one holds ${describe(item)}.`);
    }
    total += item;
  }
  return total;
}

/** `sign` 1: the greatest; -1: the least. */
function extreme(list: List, sign: 1 | -1): Value {
  const name = sign === 1 ? "max" : "min";
  if (list.length === 0) throw new ExpressionFault(`\`${name}\` of an empty list.`);
  return list.reduce((best, item) => (orderOf(item, best, name) * sign > 0 ? item : best));
}

function orderOf(a: Value, b: Value, name: string): number {
  const found = order(a, b);
  if (found !== undefined) return found;
  throw new ExpressionFault(`\`${name}\` cannot order ${describe(a)} and ${describe(b)}.`);
}
