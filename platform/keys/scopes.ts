/**
 * What a caller of the management API may do: call functions that ask for a key, read, deploy, run commands, or
 * everything.
 */
export const SCOPES = ["call", "read", "deploy", "run", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return (SCOPES as readonly unknown[]).includes(value);
}

/** Reports whether somebody with the scopes `held` has `wanted`: `admin` includes every other scope. */
export function includesScope(held: readonly Scope[], wanted: Scope): boolean {
  return held.includes(wanted) || held.includes("admin");
}
