import { invalid, isRecord, shorten, shown, unknownSetting } from "./invalid-setting.ts";

/** What the calls of a function or with a key may use. An absent member limits nothing. */
export interface Quota {
  /** Calls in a time, such as `100/s`, `10/m` or `5000/h`. */
  readonly rate?: string;
  /** Calls that may come at once after a pause; by default the calls of one second, at least 1. */
  readonly burst?: number;
  /** Calls that wait or run at the same time. */
  readonly inFlight?: number;
  /** Calls in a calendar month of UTC. */
  readonly perMonth?: number;
}

/** The members of a quota with their names in a query. */
export const QUOTA_QUERY = {
  rate: "rate",
  burst: "burst",
  inFlight: "inflight",
  perMonth: "monthly",
} as const satisfies Record<keyof Quota, string>;

type Member = keyof Quota;
const MEMBERS = Object.keys(QUOTA_QUERY) as Member[];
const MOST_COUNT = 1_000_000_000_000;
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Returns the calls per second of a rate such as `10/m`; undefined if it is none. */
export function parseRate(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,8})(?:\/([smhd]))?$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) / UNIT_S[unit ?? "s"]!;
}

/**
 * Reads one member of a quota from a query; `none` removes it.
 * @throws Problem `invalid_setting`
 */
export function quotaFromQuery(member: Member, values: readonly string[]): unknown {
  const [text = ""] = values;
  const query = QUOTA_QUERY[member];
  if (values.length === 1 && text === "none") return null;
  if (member === "rate" && values.length === 1) return text;
  if (values.length === 1 && /^\d{1,15}$/.test(text)) return Number(text);
  const example = member === "rate" ? "100/s" : "100";
  const given = shorten(values.join(","));
  throw invalid(
    query,
    `${query}=${given} cannot be read; write it like ${query}=${example}, or ${query}=none.`,
  );
}

/**
 * Merges `patch` into a quota as in RFC 7396.
 * @throws Problem `invalid_setting`
 */
export function mergeQuota(current: Quota, patch: unknown): Quota {
  if (patch === null) return {};
  if (!isRecord(patch)) throw invalid("quota", `quota must be an object with ${MEMBERS.join(", ")}.`);
  const next: Partial<Record<Member, string | number>> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (!isMember(key)) {
      throw unknownSetting(
        `quota.${key}`,
        MEMBERS.map((member) => `quota.${member}`),
      );
    }
    if (value === null) delete next[key];
    else next[key] = key === "rate" ? checkRate(value) : checkCount(key, value);
  }
  return Object.fromEntries(MEMBERS.flatMap((key) => (next[key] === undefined ? [] : [[key, next[key]]])));
}

/** Whether it limits anything. */
export function hasQuota(quota: Quota | undefined): quota is Quota {
  return quota !== undefined && MEMBERS.some((member) => quota[member] !== undefined);
}

function isMember(key: string): key is Member {
  return Object.hasOwn(QUOTA_QUERY, key);
}

function checkRate(value: unknown): string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && parseRate(text) !== undefined)
    return text.includes("/") ? text : `${text}/s`;
  throw invalid(
    "rate",
    `quota.rate: ${shown(value)} is not a valid rate; use one like 100/s, 10/m, 5000/h or 9/d.`,
  );
}

function checkCount(key: Member, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MOST_COUNT) return value;
  throw invalid(
    key,
    `quota.${key} must be a whole number from 1 to ${MOST_COUNT}, or null, not ${shown(value)}.`,
  );
}
