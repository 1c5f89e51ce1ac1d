import { isRetryOutcome, MOST_RETRIED, RETRY_NUMBERS, type RetrySettings } from "../events/retry-policy.ts";
import { parseDurationMs } from "../quantity.ts";
import { invalid, isRecord, shorten, shown, unknownSetting } from "./invalid-setting.ts";
import { splitEntries, unlessNone } from "./query-list.ts";

/** The members of a policy with their names in a query. */
export const RETRY_QUERY = {
  attempts: "attempts",
  backoffMs: "backoff",
  maxAgeMs: "max-age",
  on: "retry-on",
} as const satisfies Record<keyof RetrySettings, string>;

export type RetryMember = keyof RetrySettings;
export const RETRY_MEMBERS = Object.keys(RETRY_QUERY) as RetryMember[];

const EXAMPLES: Readonly<Record<RetryMember, string>> = {
  attempts: "3",
  backoffMs: "1s",
  maxAgeMs: "6h",
  on: "5xx,429,connection",
};

/**
 * Reads one member of a policy from a query. `retry-on=none` is the empty list; the other names reset with `default`.
 * @throws Problem `invalid_setting`
 */
export function retryFromQuery(member: RetryMember, values: readonly string[]): unknown {
  const query = RETRY_QUERY[member];
  const [text = ""] = values;
  if (values.length === 1 && text === "default") return null;
  if (member === "on") return unlessNone(query, splitEntries(values));
  const isCount = member === "attempts" && /^\d{1,9}$/.test(text);
  const value = isCount ? Number(text) : member === "attempts" ? undefined : parseDurationMs(text);
  if (values.length === 1 && value !== undefined) return value;
  const given = shorten(values.join(","));
  throw invalid(query, `${query}=${given} cannot be read; write it like ${query}=${EXAMPLES[member]}.`);
}

/**
 * Merges `patch` into a policy as in RFC 7396.
 * @throws Problem `invalid_setting`
 */
export function mergeRetry(current: RetrySettings, patch: unknown): RetrySettings {
  if (patch === null) return {};
  if (!isRecord(patch)) throw invalid("retry", `retry must be an object with ${RETRY_MEMBERS.join(", ")}.`);
  const next: Partial<Record<RetryMember, unknown>> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    const member = RETRY_MEMBERS.find((each) => each === key);
    if (member === undefined) {
      const known = RETRY_MEMBERS.map((each) => `retry.${each}`);
      throw unknownSetting(`retry.${key}`, known);
    }
    if (value === null) delete next[member];
    else next[member] = member === "on" ? checkOn(value) : checkNumber(member, value);
  }
  const entries = RETRY_MEMBERS.flatMap((key) => (next[key] === undefined ? [] : [[key, next[key]]]));
  return Object.fromEntries(entries);
}

/** Whether it sets anything. */
export function hasRetry(retry: RetrySettings | undefined): retry is RetrySettings {
  return retry !== undefined && RETRY_MEMBERS.some((member) => retry[member] !== undefined);
}

function checkNumber(member: keyof typeof RETRY_NUMBERS, value: unknown): number {
  const { least, most } = RETRY_NUMBERS[member];
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = `a whole number from ${least} to ${most}`;
  throw invalid(RETRY_QUERY[member], `retry.${member} must be ${range}, or null, not ${shown(value)}.`);
}

function checkOn(value: unknown): readonly string[] {
  const setting = RETRY_QUERY.on;
  if (!Array.isArray(value) || value.length > MOST_RETRIED) {
    throw invalid(setting, `retry.on must be a list of at most ${MOST_RETRIED} outcomes.`);
  }
  const wrong = value.find((entry) => typeof entry !== "string" || !isRetryOutcome(entry));
  if (wrong === undefined) return [...new Set(value as string[])].sort();
  const use = "use statuses from 400 to 599, 4xx, 5xx or connection";
  throw invalid(setting, `retry.on: ${shown(wrong)} is not an outcome that can be retried; ${use}.`);
}
