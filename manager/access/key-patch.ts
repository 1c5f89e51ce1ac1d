import { isFunctionList, isKeyName, type KeySpec, MOST_FUNCTIONS } from "../../platform/keys/key.ts";
import { isScope, SCOPES, type Scope } from "../../platform/keys/scopes.ts";
import { Problem } from "../../platform/problems.ts";
import { parseDurationMs, parseInstant } from "../../platform/quantity.ts";
import { mergeQuota, type Quota } from "../../platform/settings/quota.ts";
import { closestWord } from "../../process/closest-word.ts";

/** What a client sets of a key; null removes a member. */
export interface KeyPatch {
  readonly name?: string;
  readonly scopes?: readonly Scope[];
  readonly functions?: readonly string[] | null;
  readonly expiresAt?: string | null;
  readonly quota?: Quota | null;
}

const MEMBERS = ["name", "scopes", "functions", "expiresAt", "ttl", "quota"];
/** A later year would be a mistake, and some clients cannot read it. */
const LATEST_MS = Date.parse("9999-12-31T23:59:59Z");

/**
 * Checks the JSON of a new key.
 * @throws Problem `invalid_request`, `invalid_setting` for a quota
 */
export function readNewKey(body: unknown, nowMs: number): Omit<KeySpec, "hash"> {
  const { name, scopes, functions, expiresAt, quota } = readKeyPatch(body, nowMs);
  if (name === undefined) throw invalid('The name is missing: send one such as "ci-deploy".');
  if (scopes === undefined) throw invalid(`The scopes are missing: send some of ${SCOPES.join(", ")}.`);
  return {
    ...{ name, scopes },
    ...(functions ? { functions } : {}),
    ...(expiresAt ? { expiresAt } : {}),
    ...(quota ? { quota } : {}),
  };
}

/**
 * Checks the JSON of a change.
 * @throws Problem `invalid_request`, `invalid_setting` for a quota
 */
export function readKeyPatch(body: unknown, nowMs: number): KeyPatch {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw invalid('Send a JSON object, such as {"name": "ci-deploy", "scopes": ["deploy"]}.');
  for (const key of Object.keys(body)) {
    if (MEMBERS.includes(key)) continue;
    const meant = closestWord(key, MEMBERS);
    const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
    throw invalid(`Unknown member "${key.slice(0, 80)}".${hint} Members: ${MEMBERS.join(", ")}.`);
  }
  const { name, scopes, functions, expiresAt, ttl, quota } = body as Record<string, unknown>;
  if (expiresAt !== undefined && ttl !== undefined) throw invalid("Send expiresAt or ttl, not both.");
  const given = {
    name: name === undefined ? undefined : readName(name),
    scopes: scopes === undefined ? undefined : readScopes(scopes),
    functions: functions === undefined || functions === null ? functions : readFunctions(functions),
    expiresAt: ttl === undefined ? readExpiry(expiresAt, nowMs) : expiryAfter(ttl, nowMs),
    quota: quota === undefined || quota === null ? quota : mergeQuota({}, quota),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function readName(value: unknown): string {
  if (typeof value === "string" && isKeyName(value)) return value;
  throw invalid(`name: ${shown(value)} is not valid: use 1 to 100 characters without line breaks.`);
}

function readScopes(value: unknown): Scope[] {
  const list = Array.isArray(value) ? [...new Set(value)] : [];
  if (list.length > 0 && list.every(isScope)) return SCOPES.filter((scope) => list.includes(scope));
  throw invalid(`scopes: ${shown(value)} is not valid: use a list with some of ${SCOPES.join(", ")}.`);
}

function readFunctions(value: unknown): string[] {
  const list = Array.isArray(value) ? [...new Set(value)] : [];
  if (isFunctionList(list)) return list.toSorted();
  throw invalid(
    `functions: ${shown(value)} is not valid: use a list of 1 to ${MOST_FUNCTIONS} names of functions, or null for all.`,
  );
}

function readExpiry(value: unknown, nowMs: number): string | null | undefined {
  if (value === undefined || value === null) return value;
  const ms = (typeof value === "string" && parseInstant(value)?.getTime()) || Number.NaN;
  if (ms > nowMs && ms <= LATEST_MS) return new Date(ms).toISOString();
  throw invalid(`expiresAt: ${shown(value)} is not a time in the future, such as "2030-01-31T00:00:00Z".`);
}

function expiryAfter(ttl: unknown, nowMs: number): string | null {
  if (ttl === null) return null;
  const ms = typeof ttl === "string" ? parseDurationMs(ttl) : undefined;
  if (ms !== undefined && ms >= 1_000 && nowMs + ms <= LATEST_MS) return new Date(nowMs + ms).toISOString();
  throw invalid(`ttl: ${shown(ttl)} is not a duration of at least 1 s, such as "90d" or "12h".`);
}

function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 80);
}

function invalid(detail: string): Problem {
  return new Problem("invalid_request", detail);
}
