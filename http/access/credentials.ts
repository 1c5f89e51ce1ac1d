import type { KeyTable } from "../../platform/keys/key-table.ts";
import { keyIdOf } from "../../platform/keys/key-text.ts";
import { Problem } from "../../platform/problems.ts";
import { type AttemptLimits, type FailedAttempts, tooManyAttempts } from "../failed-attempts.ts";
import type { Access, Visitor } from "./access.ts";
import {
  ANYBODY,
  challengeOf,
  LOCAL,
  type Principal,
  principalOfKey,
  principalOfToken,
} from "./principal.ts";

/** Recognises callers by the tokens of an issuer other than Skiff. */
export interface TokenVerifier {
  /** Reports whether the text has the form of such a token. */
  recognizes(text: string): boolean;
  /**
   * Undefined for a token that is forged or not for Skiff.
   * @throws Problem `unauthorized` for a token that has expired or gives no scope; `not_ready` if the issuer does not
   * answer
   */
  verify(text: string): Promise<Principal | undefined>;
}

/** What a client without a valid key should do. `gitAdvice` replaces it for git. */
export const SEND_TOKEN = "send the header Authorization: Bearer TOKEN";

export interface CredentialsOptions {
  readonly access: Access;
  readonly keys: KeyTable;
  /** Reads a key again that the table does not have. */
  readonly refresh: (id: string) => Promise<void>;
  /** Absent if no issuer is configured. */
  readonly tokens?: TokenVerifier | undefined;
  readonly attempts: FailedAttempts;
  readonly limits: AttemptLimits;
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
   * @param address of the client
   * @throws Problem `unauthorized`, or `too_many_attempts` after too many wrong credentials from this address
   */
  async identify(
    { authorization = [] }: Pick<Visitor, "authorization">,
    address: string,
  ): Promise<Principal> {
    const { access, tokens, attempts, limits } = this.#options;
    const text = bearerOf(authorization);
    if (access.mode !== "token") {
      const isOurs = text !== undefined && (keyIdOf(text) !== undefined || tokens?.recognizes(text));
      if (!isOurs) return access.mode === "loopback" ? LOCAL : ANYBODY;
    }
    if (authorization.length === 0) throw this.#refusal("The request has no key or token");
    if (text === undefined) throw this.#refusal("The Authorization header is not valid", "invalid_request");
    const blockedMs = attempts.blockedMs(address, performance.now());
    const isKey = keyIdOf(text) !== undefined;
    // Nobody can guess a key or a signature, so right ones pass. The token may have been chosen by a person.
    const isGuessable = !isKey && !tokens?.recognizes(text);
    if (blockedMs > 0 && isGuessable) throw tooManyAttempts(limits, blockedMs);
    const principal = isKey
      ? await this.#holderOf(text, blockedMs === 0)
      : isGuessable
        ? principalOfToken(access, text)
        : await tokens!.verify(text);
    if (principal !== undefined) return principal;
    attempts.fail(address, performance.now());
    if (blockedMs > 0) throw tooManyAttempts(limits, blockedMs);
    throw this.#refusal(isKey ? "The key is wrong or was revoked" : "The token is wrong", "invalid_token");
  }

  /**
   * Runs `work`, which checks a signature. Nobody can guess one, so a right one passes whatever the address sent before.
   * @throws Problem `too_many_attempts` instead of `unauthorized` after too many wrong credentials; what `work` throws
   */
  async attempt<T>(address: string, work: () => Promise<T>): Promise<T> {
    const { attempts, limits } = this.#options;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "unauthorized") throw error;
      const blockedMs = attempts.blockedMs(address, performance.now());
      attempts.fail(address, performance.now());
      if (blockedMs > 0) throw tooManyAttempts(limits, blockedMs);
      throw error;
    }
  }

  /** @throws Problem `unauthorized` for an expired key, which was right once and is no attempt to guess one */
  async #holderOf(text: string, mayRead: boolean): Promise<Principal | undefined> {
    const { keys, refresh, now } = this.#options;
    const known = principalOfKey(keys, text, now());
    if (known !== undefined || !mayRead) return known;
    await refresh(keyIdOf(text)!);
    return principalOfKey(keys, text, now());
  }

  #refusal(what: string, error?: string): Problem {
    const { access } = this.#options;
    const whereabouts = access.mode === "token" ? ` ${access.whereabouts}` : "";
    const detail = `${what}: ${SEND_TOKEN}.${whereabouts}`;
    return new Problem("unauthorized", detail, { challenge: challengeOf(error) });
  }
}

/** Returns the credential of a single, valid `Authorization: Bearer`; undefined for anything else. */
function bearerOf(authorization: readonly string[]): string | undefined {
  if (authorization.length !== 1) return undefined;
  return /^bearer +([-A-Za-z0-9._~+/]+=*)$/i.exec(authorization[0]!)?.[1];
}
