import type { IncomingMessage } from "node:http";
import { INTERNAL_KEY_ID } from "../../platform/keys/internal-key.ts";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import { keyIdOf } from "../../platform/keys/key-text.ts";
import type { Scope } from "../../platform/keys/scopes.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { clientAddress } from "../client-address.ts";
import { FailedAttempts, tooManyAttempts } from "../failed-attempts.ts";
import type { TrustedProxies } from "../trusted-proxies.ts";
import { type Access, refusal } from "./access.ts";
import {
  ANYBODY,
  callUnauthorized,
  LOCAL,
  type Principal,
  principalOfKey,
  principalOfToken,
  requireFunction,
  requireScope,
} from "./principal.ts";

export interface CallersOptions {
  readonly keys: KeyTable;
  /** The access rule of the management API. */
  readonly access: Access;
  readonly limits: Limits;
  readonly proxies?: TrustedProxies | undefined;
  /** Called with the id of each key that is used. */
  readonly keyUsed?: (id: string) => void;
  readonly now: () => number;
}

/** What a caller asks for. */
export interface Asked {
  /** Names it in problems, such as `"hello"`. */
  readonly what: string;
  /** The function that a key must be for; absent if keys need not be for all functions. */
  readonly function?: string;
  /** The scope that a key needs; `call` by default. */
  readonly scope?: Scope;
  /** A credential is needed, of a key with the scope call or of the installation. */
  readonly needsKey: boolean;
  /** Who may use the management API without a token needs no key either. */
  readonly admitsLocal: boolean;
}

/** The credentials of a request, in the order of preference. */
export interface Credentials {
  /** Texts from `x-skiff-key`, and keys from `Authorization: Bearer`. */
  readonly credentials: readonly string[];
  /** Another text from `Authorization: Bearer`, which may be the token where one is needed. */
  readonly bearer?: string | undefined;
}

/** Decides who may make asynchronous calls, publish events and begin runs, from memory. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #attempts: FailedAttempts;

  constructor(options: CallersOptions) {
    this.#options = options;
    this.#attempts = new FailedAttempts(options.limits);
  }

  /**
   * Returns who makes a request. Where no key is needed a wrong one is ignored, as at /fn.
   * @throws Problem `unauthorized`, `insufficient_scope`, `forbidden`, `too_many_attempts`
   */
  check(request: IncomingMessage, asked: Asked, given: Credentials): Principal {
    const { access, proxies } = this.#options;
    const { needsKey, admitsLocal } = asked;
    const [text] = this.readsBearer(asked, given) ? [given.bearer!] : given.credentials;
    if (text !== undefined) {
      const holder = this.#holder(text, asked, clientAddress(request, proxies));
      if (holder !== undefined) return holder;
    }
    if (!needsKey) return ANYBODY;
    if (!admitsLocal || access.mode === "token") throw callUnauthorized(`${asked.what} asks for a key`);
    const refused = refusal(access, { ...request.headersDistinct, method: request.method });
    if (refused !== undefined) throw new Problem(refused.code, refused.detail);
    return access.mode === "loopback" ? LOCAL : ANYBODY;
  }

  /** Whether the Bearer of a request is for Skiff. Otherwise it is a credential for the function, as at /fn. */
  readsBearer({ needsKey }: Asked, { credentials, bearer }: Credentials): boolean {
    const isToken = this.#options.access.mode === "token";
    return isToken && needsKey && credentials.length === 0 && bearer !== undefined;
  }

  #holder(text: string, asked: Asked, address: string): Principal | undefined {
    const { keys, access, limits, keyUsed, now } = this.#options;
    const { needsKey, function: name, scope = "call" } = asked;
    const isKey = keyIdOf(text) !== undefined;
    const blockedMs = this.#attempts.blockedMs(address, performance.now());
    // Nobody can guess a key, so right ones pass. The token may have been chosen by a person.
    if (!isKey && blockedMs > 0) throw tooManyAttempts(limits, blockedMs);
    try {
      const holder = isKey ? principalOfKey(keys, text, now()) : principalOfToken(access, text);
      if (holder !== undefined && holder.keyId !== INTERNAL_KEY_ID) {
        requireScope(holder, scope);
        if (name !== undefined) requireFunction(holder, name);
        if (holder.keyId !== undefined) keyUsed?.(holder.keyId);
        return holder;
      }
    } catch (error) {
      if (needsKey || !(error instanceof Problem)) throw error;
      return undefined;
    }
    if (isKey && !needsKey) return undefined;
    this.#attempts.fail(address, performance.now());
    if (blockedMs > 0) throw tooManyAttempts(limits, blockedMs);
    if (!needsKey) return undefined;
    throw callUnauthorized(
      `The ${isKey ? "key is wrong or was revoked" : "token is wrong"}`,
      "invalid_token",
    );
  }
}
