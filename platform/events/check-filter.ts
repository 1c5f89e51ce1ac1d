import { isRecord } from "../settings/invalid-setting.ts";
import { type Check, fault, listOf, members, type SpecFault, texts } from "./spec-check.ts";

/** Name of an attribute of an event (CloudEvents 1.0, naming conventions). */
export const ATTRIBUTE = /^[a-z0-9]{1,64}$/;
const MOST_DEPTH = 8;
const MOST_BRANCHES = 50;

const VALUES = texts(
  ATTRIBUTE,
  "names of attributes in lower case with texts, such as {type: order.created}",
);
const nested: Check = (value, path) => checkFilter(value, path);
const MEMBERS = members({
  exact: VALUES,
  prefix: VALUES,
  suffix: VALUES,
  all: listOf(nested, MOST_BRANCHES),
  any: listOf(nested, MOST_BRANCHES),
  not: nested,
});

/** Checks an `EventFilter`, which is at most eight filters deep. */
export function checkFilter(value: unknown, path: readonly string[]): readonly SpecFault[] {
  const depth = path.filter((part) => part === "filter" || part === "not" || /^\d+$/.test(part)).length;
  if (depth > MOST_DEPTH) return [fault(path, `The filter is over ${MOST_DEPTH} filters deep: simplify it.`)];
  const faults = MEMBERS(value, path);
  if (!isRecord(value) || Object.keys(value).length > 0) return faults;
  const rule = "{exact: {type: order.created}}";
  return [
    fault(path, `${path.join(".")} is empty: remove it, or name what events must have, such as ${rule}.`),
  ];
}
