import { timingSafeEqual } from "node:crypto";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import { hashOf, keyIdOf } from "../../platform/keys/key-text.ts";
import { Problem } from "../../platform/problems.ts";
import type { Access, Visitor } from "./access.ts";
import { ANYBODY, challengeOf, LOCAL, type Principal, principalOfKey, TOKEN_HOLDER } from "./principal.ts";

/** Recognises callers by the tokens of an issuer other than Skiff. */
export interface TokenVerifier {
  /** Reports whether the text has the form of such a token. */
  recognizes(text: string): boolean;
  /** @throws Problem `unauthorized` with the reason; `not_ready` if the issuer cannot be asked */
  verify(text: string): Promise<Principal>;
}

export interface CredentialsOptions {
  readonly access: Access;
  readonly keys: KeyTable;
  /** Absent if no issuer is configured. */
  readonly tokens?: TokenVerifier | undefined;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

/** Finds out who a request is from. */
export class Credentials {
  readonly #options: CredentialsOptions;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /**
   * Where no token is needed, a request without credentials, or with ones that are not Skiff's, has every scope.
   * @throws Problem `unauthorized`
   */
  async identify({ authorization = [] }: Pick<Visitor, "authorization">): Promise<Principal> {
    const { access, keys, tokens, now } = this.#options;
    const text = bearerOf(authorization);
    if (access.mode !== "token") {
      const isOurs = text !== undefined && (keyIdOf(text) !== undefined || tokens?.recognizes(text));
      if (!isOurs) return access.mode === "loopback" ? LOCAL : ANYBODY;
    }
    if (text === undefined) {
      if (authorization.length === 0) throw this.#refusal("The request has no key or token");
      throw this.#refusal("The Authorization header is not valid", "invalid_request");
    }
    if (keyIdOf(text) !== undefined) {
      const principal = principalOfKey(keys, text, now());
      if (principal !== undefined) return principal;
      throw this.#refusal("The key is wrong or was revoked", "invalid_token");
    }
    // Hashes have equal length, so the time of the comparison does not depend on the token.
    if (access.mode === "token" && timingSafeEqual(hashOf(text), Buffer.from(access.tokenHash, "hex")))
      return TOKEN_HOLDER;
    if (tokens?.recognizes(text)) return await tokens.verify(text);
    throw this.#refusal("The token is wrong", "invalid_token");
  }

  #refusal(what: string, error?: string): Problem {
    const { access } = this.#options;
    const whereabouts = access.mode === "token" ? ` ${access.whereabouts}` : "";
    const detail = `${what}: send the header Authorization: Bearer TOKEN.${whereabouts}`;
    return new Problem("unauthorized", detail, { challenge: challengeOf(error) });
  }
}

/** Returns the credential of a single, valid `Authorization: Bearer`; undefined for anything else. */
function bearerOf(authorization: readonly string[]): string | undefined {
  if (authorization.length !== 1) return undefined;
  return /^bearer +([-A-Za-z0-9._~+/]+=*)$/i.exec(authorization[0]!)?.[1];
}
