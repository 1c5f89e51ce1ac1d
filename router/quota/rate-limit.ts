import { Problem } from "../../platform/problems.ts";
import { parseRate, type Quota } from "../../platform/settings/quota.ts";
import type { Gate, PolicyName, QuotaText } from "./gate.ts";

/** Names in the fields of the draft, which have no capitals. */
const FIELD_NAMES: Readonly<Record<PolicyName, string>> = {
  rate: "rate",
  inFlight: "in-flight",
  perMonth: "month",
};
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * Returns `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10, names and values in turn.
 * Remaining calls are those of this router's share. Every answer to a call with a quota has them, so texts are kept.
 */
export function rateLimitFields(gates: readonly Gate[], now: Date): string[] {
  const nowMs = now.getTime();
  let policies = "";
  let states = "";
  for (const gate of gates) {
    const known = gate.text;
    const isFresh = known !== undefined && known.quota === gate.quota && nowMs < known.untilMs;
    const text = isFresh ? known : textOf(gate, now);
    gate.text = text;
    policies += policies === "" ? text.policies : `, ${text.policies}`;
    for (const { policy, name } of text.names) {
      const resetS = Math.ceil(gate.resetMs(policy, text.untilMs - nowMs) / 1_000);
      states += `${states === "" ? "" : ", "}${name}${gate.remaining(policy)};t=${resetS}`;
    }
  }
  return ["ratelimit-policy", policies, "ratelimit", states];
}

function textOf({ owner, quota }: Gate, now: Date): QuotaText {
  const present = (Object.keys(FIELD_NAMES) as PolicyName[]).filter((policy) => quota[policy] !== undefined);
  const nameOf = (policy: PolicyName) => `"${owner.kind}-${FIELD_NAMES[policy]}"`;
  return {
    quota,
    untilMs: now.getTime() + untilMonthEndMs(now),
    policies: present.map((policy) => `${nameOf(policy)};${POLICIES[policy](quota, now)}`).join(", "),
    names: present.map((policy) => ({ policy, name: `${nameOf(policy)};r=` })),
  };
}

const POLICIES: Readonly<Record<PolicyName, (quota: Quota, now: Date) => string>> = {
  rate: ({ rate = "" }) => {
    const [count, unit = "s"] = rate.split("/");
    return `q=${count};w=${UNIT_S[unit]}`;
  },
  inFlight: ({ inFlight }) => `q=${inFlight};qu="concurrent-requests"`,
  perMonth: ({ perMonth }, now) => `q=${perMonth};w=${monthSeconds(now)}`,
};

/** Lets a call through all gates, or returns the problem of the first one that refuses it. */
export function passGates(gates: readonly Gate[], nowMs: number): Problem | undefined {
  for (const gate of gates) {
    const policy = gate.check(nowMs);
    if (policy !== undefined) return quotaExceeded(gate, policy, new Date());
  }
  for (const gate of gates) gate.enter();
  return undefined;
}

function quotaExceeded(gate: Gate, policy: PolicyName, now: Date): Problem {
  const { owner, quota } = gate;
  const { kind, name } = owner;
  const resetMs = gate.resetMs(policy, untilMonthEndMs(now));
  const resetsAt = new Date(now.getTime() + resetMs).toISOString();
  const what = kind === "key" ? `The key ${name}` : `The function "${name}"`;
  const limit = LIMITS[policy](quota);
  const when = RETRY[policy](resetMs, resetsAt);
  const detail = `${what} may have ${limit} (quota.${policy}), which are used up. ${when}, or raise the quota.`;
  const about = { policy, limit: quota[policy]!, [kind]: name, resetsAt };
  return new Problem("quota_exceeded", detail, { retryAfterS: resetMs / 1_000, quota: about });
}

const LIMITS: Readonly<Record<PolicyName, (quota: Quota) => string>> = {
  rate: ({ rate, burst }) => {
    const perS = parseRate(rate!)!;
    return `calls at a rate of ${rate} and ${burst ?? Math.max(1, Math.floor(perS))} at once`;
  },
  inFlight: ({ inFlight }) => `${inFlight} calls at the same time`,
  perMonth: ({ perMonth }) => `${perMonth} calls a month`,
};
const RETRY: Readonly<Record<PolicyName, (resetMs: number, resetsAt: string) => string>> = {
  rate: (resetMs) => `Try again in ${Math.max(0.1, resetMs / 1_000).toFixed(1)} s`,
  inFlight: () => "Try again when one has ended",
  perMonth: (resetMs, resetsAt) =>
    resetMs > 1_000 ? `The next month begins at ${resetsAt}` : RETRY.rate(resetMs, resetsAt),
};

function untilMonthEndMs(now: Date): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now.getTime();
}

function monthSeconds(now: Date): number {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return (Date.UTC(year, month + 1) - Date.UTC(year, month)) / 1_000;
}
