import type { JWTVerifyGetKey } from "jose";
import type { TokenVerifier } from "../../http/access/credentials.ts";
import { isLoopbackHost } from "../../http/access/host.ts";
import { challengeOf, type Principal } from "../../http/access/principal.ts";
import { Problem } from "../../platform/problems.ts";
import { parseScopeRules, type ScopeRule, scopesFor } from "./oidc-rules.ts";

/** Signatures with a public key. Neither `none` nor HMAC, whose key would be the public one. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const ANSWER_MS = 5_000;
/** Least time between two requests for the keys of the issuer, also for unknown ones. */
const COOLDOWN_MS = 10_000;
const KEYS_KEPT_MS = 600_000;
/** Differences between the clocks of issuer and Skiff. */
const CLOCK_TOLERANCE_S = 30;
const NAME_CHARACTERS = 200;

export interface OidcOptions {
  readonly issuer: string;
  /** The token must have it in `aud`. */
  readonly audience: string;
  readonly rules: readonly ScopeRule[];
  /** Prints one line on the terminal: why the issuer cannot be asked. */
  readonly print: (line: string) => void;
}

/**
 * Reads `SKIFF_OIDC_ISSUER`, `SKIFF_OIDC_AUDIENCE` and `SKIFF_OIDC_SCOPES`.
 * @returns undefined if no issuer is configured
 * @throws Error with a text for the operator
 */
export function oidcFrom(
  env: Readonly<Record<string, string | undefined>>,
  print: (line: string) => void,
): Oidc | undefined {
  const { SKIFF_OIDC_ISSUER: issuer, SKIFF_OIDC_AUDIENCE: audience, SKIFF_OIDC_SCOPES: scopes } = env;
  if (!issuer) {
    if (!audience && !scopes) return undefined;
    throw new Error(
      "SKIFF_OIDC_AUDIENCE and SKIFF_OIDC_SCOPES need SKIFF_OIDC_ISSUER: set it, or remove them.",
    );
  }
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname));
  if (!isSafe) {
    throw new Error(
      `SKIFF_OIDC_ISSUER=${issuer} is not valid: use a URL with https, as the issuer writes it.`,
    );
  }
  if (!audience) {
    const why = "tokens for other services would be accepted without it";
    throw new Error(`SKIFF_OIDC_AUDIENCE is missing: ${why}. Set the audience of tokens for Skiff.`);
  }
  return new Oidc({ issuer, audience, rules: parseScopeRules(scopes ?? ""), print });
}

/** Recognises callers by the tokens (JWT) of one OpenID Connect issuer, whose keys it keeps for 10 minutes. */
export class Oidc implements TokenVerifier {
  readonly #options: OidcOptions;
  /** Undefined until a token came, and after a failure. */
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #isFailing = false;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  recognizes(text: string): boolean {
    return /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(text);
  }

  async verify(text: string): Promise<Principal | undefined> {
    const { issuer, audience, rules } = this.#options;
    const { jwtVerify, errors } = await import("jose");
    const keys = await this.#issuerKeys();
    try {
      const { payload } = await jwtVerify(text, keys, {
        ...{ issuer, audience, algorithms: ALGORITHMS },
        ...{ clockTolerance: CLOCK_TOLERANCE_S, requiredClaims: ["exp", "sub"] },
      });
      this.#isFailing = false;
      return { by: `oidc ${nameIn(payload)}`, scopes: scopesFor(rules, payload) };
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        const detail = "The token has expired: get a new one from the issuer.";
        throw new Problem("unauthorized", detail, { challenge: challengeOf("invalid_token") });
      }
      if (isForged(error, errors)) return undefined;
      throw this.#noAnswer(error);
    }
  }

  async #issuerKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= findKeys(this.#options.issuer);
    try {
      return await this.#keys;
    } catch (error) {
      // The next token tries again.
      this.#keys = undefined;
      throw this.#noAnswer(error);
    }
  }

  /** The reason is for the operator alone: it may name hosts of the inner network. */
  #noAnswer(error: unknown): Problem {
    const { issuer, print } = this.#options;
    if (!this.#isFailing)
      print(`the keys of the issuer ${issuer} cannot be read: ${(error as Error).message}`);
    this.#isFailing = true;
    const detail = "The keys of the issuer of this token cannot be read: try again in a moment.";
    return new Problem("not_ready", detail, { retryAfterS: 1, setting: "SKIFF_OIDC_ISSUER" });
  }
}

/** Finds the keys of an issuer through its metadata (OpenID Connect Discovery 1.0). */
async function findKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet } = await import("jose");
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "error" });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const metadata = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (metadata.issuer !== issuer)
    throw new Error(`${url} is about the issuer ${String(metadata.issuer).slice(0, 200)}`);
  return createRemoteJWKSet(new URL(String(metadata.jwks_uri)), {
    timeoutDuration: ANSWER_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: KEYS_KEPT_MS,
  });
}

function isForged(error: unknown, errors: typeof import("jose").errors): boolean {
  const { JWSSignatureVerificationFailed, JWTClaimValidationFailed, JOSEAlgNotAllowed, JWKSNoMatchingKey } =
    errors;
  const kinds = [
    JWSSignatureVerificationFailed,
    JWTClaimValidationFailed,
    JOSEAlgNotAllowed,
    JWKSNoMatchingKey,
  ];
  const malformed = [
    errors.JWSInvalid,
    errors.JWTInvalid,
    errors.JOSENotSupported,
    errors.JWKSMultipleMatchingKeys,
  ];
  return [...kinds, ...malformed].some((kind) => error instanceof kind);
}

/** An address of e-mail counts only if the issuer has verified it: elsewhere users choose it. */
function nameIn({ sub, email, email_verified: isVerified }: Readonly<Record<string, unknown>>): string {
  const name = typeof email === "string" && isVerified === true ? email : String(sub);
  return name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").slice(0, NAME_CHARACTERS);
}
