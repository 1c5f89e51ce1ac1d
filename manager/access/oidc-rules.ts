import { isScope, SCOPES, type Scope } from "../../platform/keys/scopes.ts";

/** A token with this value in this claim gets these scopes. */
export interface ScopeRule {
  /** Undefined for every token. */
  readonly claim: string | undefined;
  /** With `*` at its end, every value with that beginning. */
  readonly value: string;
  readonly scopes: readonly Scope[];
}

const FORM = "CLAIM=VALUE:SCOPE+SCOPE or *:SCOPE, separated by commas, such as groups=platform:admin,*:read";

/**
 * Parses `SKIFF_OIDC_SCOPES`.
 * @throws Error with a text for the operator
 */
export function parseScopeRules(text: string): ScopeRule[] {
  return text
    .split(",")
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "")
    .map((rule) => {
      // Values may have colons, such as `sub=repo:octo/app:ref:refs/heads/main:deploy`.
      const [, match = "", names = ""] = /^(.+):([a-z+]+)$/.exec(rule) ?? [];
      const scopes = names.split("+");
      const [, claim, value] = /^([^=]+)=(.+)$/.exec(match) ?? [];
      const isKnown = scopes.every(isScope);
      if (!isKnown || (match !== "*" && claim === undefined)) {
        const advice = `use ${FORM}. Scopes: ${SCOPES.join(", ")}.`;
        throw new Error(`SKIFF_OIDC_SCOPES: "${rule}" cannot be read: ${advice}`);
      }
      return { claim, value: value ?? "*", scopes };
    });
}

/** Returns the scopes that the claims of a token give, in the order of `SCOPES`. */
export function scopesFor(rules: readonly ScopeRule[], claims: Readonly<Record<string, unknown>>): Scope[] {
  const granted = rules.filter((rule) => matches(rule, claims)).flatMap(({ scopes }) => scopes);
  return SCOPES.filter((scope) => granted.includes(scope));
}

function matches({ claim, value }: ScopeRule, claims: Readonly<Record<string, unknown>>): boolean {
  if (claim === undefined) return true;
  return valuesOf(claim, claims).some((given) =>
    value.endsWith("*") ? given.startsWith(value.slice(0, -1)) : given === value,
  );
}

/**
 * Returns the values of a claim: of a text, of a list, and of a text with spaces that is a list, as `scope` is. A dot in
 * the name leads into an object, as in `realm_access.roles`.
 */
function valuesOf(claim: string, claims: Readonly<Record<string, unknown>>): string[] {
  const found = Object.hasOwn(claims, claim) ? claims[claim] : atPath(claim.split("."), claims);
  if (Array.isArray(found)) return found.filter((each) => typeof each === "string");
  if (typeof found === "number" || typeof found === "boolean") return [String(found)];
  if (typeof found !== "string") return [];
  return claim === "scope" || claim === "scp" ? found.split(" ") : [found];
}

function atPath(path: readonly string[], claims: unknown): unknown {
  return path.reduce<unknown>((inner, name) => {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, name)) return undefined;
    return (inner as Record<string, unknown>)[name];
  }, claims);
}
