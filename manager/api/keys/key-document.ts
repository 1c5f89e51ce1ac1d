import type { StoredKey } from "../../access/key-registry.ts";

export interface KeyTimes {
  readonly nowMs: number;
  readonly usedAt?: Date | undefined;
}

/** Returns a key as the API shows it: without its hash. */
export function keyDocument(stored: StoredKey, { nowMs, usedAt }: KeyTimes): Record<string, unknown> {
  const { id, spec, createdAt, updatedAt } = stored;
  const times = { createdAt, updatedAt, ...(usedAt ? { lastUsedAt: usedAt } : {}) };
  if (spec === undefined) return { id, state: "invalid", ...times };
  const { name, scopes, functions, expiresAt, quota, createdBy, rotatedAt, previous } = spec;
  const isExpired = expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
  const isOverlapping = previous !== undefined && Date.parse(previous.until) > nowMs;
  return {
    ...{ id, name, scopes, state: isExpired ? "expired" : "active" },
    ...(functions ? { functions } : {}),
    ...(expiresAt ? { expiresAt: instant(expiresAt) } : {}),
    ...(quota ? { quota } : {}),
    ...(createdBy ? { createdBy } : {}),
    ...(rotatedAt ? { rotatedAt } : {}),
    ...(isOverlapping ? { previousUntil: instant(previous.until) } : {}),
    ...times,
  };
}

function instant(text: string): string {
  return new Date(text).toISOString();
}
