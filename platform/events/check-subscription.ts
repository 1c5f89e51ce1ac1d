import { parseInstant } from "../quantity.ts";
import { ATTRIBUTE, checkFilter } from "./check-filter.ts";
import { checkRetry } from "./check-retry.ts";
import {
  FLAG,
  FUNCTION,
  fault,
  members,
  must,
  NAME,
  oneOf,
  PATH,
  type SpecFault,
  text,
  wholeNumber,
} from "./spec-check.ts";
import type { SubscriptionSpec } from "./subscription-spec.ts";

const MOST_CONCURRENCY = 1_000;
const MOST_URL_CHARACTERS = 2_048;

const check = members({
  topic: NAME,
  function: FUNCTION,
  url: must(isTarget, "an http or https URL without a user name, a password and a fragment"),
  flow: NAME,
  path: PATH,
  group: NAME,
  from: must(isStart, 'latest, earliest or a time such as "2026-11-29T14:00:00Z"'),
  order: oneOf("none", "key"),
  orderBy: text(ATTRIBUTE, "the name of an attribute: 1 to 64 characters of a-z and 0-9"),
  filter: checkFilter,
  retry: checkRetry,
  concurrency: wholeNumber(1, MOST_CONCURRENCY),
  replies: FLAG,
  replyTo: NAME,
  paused: FLAG,
});

/** Returns what is wrong with the spec of a `Subscription`. An empty list makes it a `SubscriptionSpec`. */
export function checkSubscriptionSpec(spec: unknown): readonly SpecFault[] {
  const faults = check(spec, []);
  if (faults.some(({ pointer }) => pointer === "")) return faults;
  const { topic, function: name, url, flow, path, order, orderBy } = spec as Partial<SubscriptionSpec>;
  const found = [...faults];
  if (!topic) found.push(fault([], "The subscription has no topic: name one, such as topic: orders."));
  if ([name, url, flow].filter(Boolean).length !== 1) {
    found.push(fault([], "A subscription delivers to one target: name one of function, url and flow."));
  }
  if (flow && path) found.push(fault(["path"], "path is for functions: remove it."));
  if (url && path) found.push(fault(["path"], "path is for functions: make it a part of url."));
  if (orderBy && order !== "key")
    found.push(fault(["orderBy"], "orderBy has an effect with order: key alone: add it, or remove orderBy."));
  return found;
}

function isTarget(value: unknown): boolean {
  if (typeof value !== "string" || value.length > MOST_URL_CHARACTERS) return false;
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.hash === "";
}

function isStart(value: unknown): boolean {
  if (typeof value !== "string") return false;
  return value === "latest" || value === "earliest" || parseInstant(value) !== undefined;
}
