import { timingSafeEqual } from "node:crypto";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import { hashOf } from "../../platform/keys/key-text.ts";
import { includesScope, SCOPES, type Scope } from "../../platform/keys/scopes.ts";
import { Problem } from "../../platform/problems.ts";
import type { Access } from "./access.ts";

/** Who a request is from, and what it may do. */
export interface Principal {
  /** For records: `token`, `key ci-deploy (k1a2b3…)`, `oidc alice@example.com`, `local` or `anybody`. */
  readonly by: string;
  readonly keyId?: string;
  readonly scopes: readonly Scope[];
  /** The only functions that it may read and change; absent for all. */
  readonly functions?: readonly string[];
}

/** A program on the same machine, where Skiff listens on loopback only. */
export const LOCAL: Principal = { by: "local", scopes: SCOPES };
export const ANYBODY: Principal = { by: "anybody", scopes: SCOPES };
/** The first token. */
const TOKEN_HOLDER: Principal = { by: "token", scopes: SCOPES };

/**
 * Finds who holds the text of a key; undefined if it is no key.
 * @throws Problem `unauthorized` for an expired key
 */
export function principalOfKey(keys: KeyTable, text: string, nowMs: number): Principal | undefined {
  const checked = keys.check(text, nowMs);
  if (checked === undefined) return undefined;
  const { key, isExpired } = checked;
  const { id, name, scopes, functions } = key;
  if (isExpired) {
    const detail = `The key "${name}" (${id}) has expired: send a newer secret of it, or another key.`;
    throw new Problem("unauthorized", detail, { challenge: challengeOf("invalid_token") });
  }
  return { by: `key ${name} (${id})`, keyId: id, scopes, ...(functions === undefined ? {} : { functions }) };
}

/** Finds who holds the token of the management API; undefined for another text, and if there is no token. */
export function principalOfToken(access: Access, text: string): Principal | undefined {
  if (access.mode !== "token") return undefined;
  // Hashes have equal length, so the time of the comparison does not depend on the token.
  return timingSafeEqual(hashOf(text), Buffer.from(access.tokenHash, "hex")) ? TOKEN_HOLDER : undefined;
}

/**
 * @param what needs the scope
 * @throws Problem `insufficient_scope`
 */
export function requireScope({ by, scopes }: Principal, scope: Scope, what = "This"): void {
  if (includesScope(scopes, scope)) return;
  const held = scopes.join(", ") || "none";
  const detail = `${what} needs the scope ${scope}, and ${by} has ${held}: use a key with that scope.`;
  throw new Problem("insufficient_scope", detail, { challenge: challengeOf("insufficient_scope", scope) });
}

/** @throws Problem `insufficient_scope` */
export function requireFunction({ by, functions }: Principal, name: string): void {
  if (functions === undefined || functions.includes(name)) return;
  throw new Problem(
    "insufficient_scope",
    `${by} is for ${shownFunctions(functions)} only, not for "${name.slice(0, 80)}": use another key.`,
    { challenge: challengeOf("insufficient_scope") },
  );
}

/** @throws Problem `insufficient_scope` for somebody who is limited to some functions */
export function requireAllFunctions({ by, functions }: Principal): void {
  if (functions === undefined) return;
  throw new Problem(
    "insufficient_scope",
    `This concerns all functions, and ${by} is for ${shownFunctions(functions)} only: use another key.`,
    { challenge: challengeOf("insufficient_scope") },
  );
}

/** @param what is wrong with the key of a call, or that there is none */
export function callUnauthorized(what: string, error?: string): Problem {
  const detail = `${what}: send the header Authorization: Bearer KEY with a key that has the scope call.`;
  return new Problem("unauthorized", detail, { challenge: challengeOf(error) });
}

export function challengeOf(error?: string, scope?: Scope): string {
  const parts = [
    'realm="skiff"',
    ...(error ? [`error="${error}"`] : []),
    ...(scope ? [`scope="${scope}"`] : []),
  ];
  return `Bearer ${parts.join(", ")}`;
}

function shownFunctions(functions: readonly string[]): string {
  const shown = functions.slice(0, 10).join(", ");
  return functions.length > 10 ? `${shown} and ${functions.length - 10} more` : shown;
}
