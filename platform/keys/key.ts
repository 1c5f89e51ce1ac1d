import { isFunctionName } from "../function-name.ts";
import { parseInstant } from "../quantity.ts";
import { hasQuota, mergeQuota, type Quota } from "../settings/quota.ts";
import { isScope, type Scope } from "./scopes.ts";

/** Most functions that a key can be limited to. */
export const MOST_FUNCTIONS = 100;
export const MOST_NAME_CHARACTERS = 100;

/** A key without its secret. */
export interface Key {
  readonly id: string;
  /** Chosen by people; several keys may have the same one. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The only functions that the key is for; absent for all. */
  readonly functions?: readonly string[];
  /** Absent if the key does not expire. */
  readonly expiresAt?: Date;
  /** What calls with the key may use; absent if nothing is limited. */
  readonly quota?: Quota;
}

/** The spec of a `Key` declaration. */
export interface KeySpec extends Omit<Key, "id" | "expiresAt"> {
  /** SHA-256 of the key in hex. */
  readonly hash: string;
  /** The key before the last rotation, until it expires. */
  readonly previous?: { readonly hash: string; readonly until: string };
  readonly expiresAt?: string;
  readonly createdBy?: string;
  readonly rotatedAt?: string;
}

const HASH = /^[0-9a-f]{64}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/**
 * Checks a stored spec, which anybody with access to the cluster may have written.
 * @throws Error that names the first fault
 */
export function checkKeySpec(spec: Readonly<Record<string, unknown>>): KeySpec {
  const { name, hash, previous, scopes, functions, expiresAt, quota } = spec;
  const check = (holds: boolean, member: string) => {
    if (!holds) throw new Error(`its ${member} is not valid`);
  };
  check(typeof name === "string" && isKeyName(name), "name");
  check(isHash(hash), "hash");
  check(Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope), "scopes");
  check(functions === undefined || isFunctionList(functions), "functions");
  check(expiresAt === undefined || isInstant(expiresAt), "expiresAt");
  if (previous !== undefined) {
    const { hash: before, until } = (previous ?? {}) as Record<string, unknown>;
    check(isHash(before) && isInstant(until), "previous");
  }
  if (quota !== undefined) mergeQuota({}, quota);
  return spec as unknown as KeySpec;
}

/** A name is shown in logs and lists: no control characters, no line breaks. */
export function isKeyName(name: string): boolean {
  return (
    name.length <= MOST_NAME_CHARACTERS && /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(name)
  );
}

export function isFunctionList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_FUNCTIONS) return false;
  return value.every((each) => typeof each === "string" && isFunctionName(each));
}

export function keyOf(id: string, spec: KeySpec): Key {
  const { name, scopes, functions, expiresAt, quota } = spec;
  return {
    ...{ id, name, scopes },
    ...(functions === undefined ? {} : { functions }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
    ...(hasQuota(quota) ? { quota } : {}),
  };
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && HASH.test(value);
}

function isInstant(value: unknown): boolean {
  return typeof value === "string" && INSTANT.test(value) && parseInstant(value) !== undefined;
}
