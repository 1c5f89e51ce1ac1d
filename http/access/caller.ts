import { INTERNAL_KEY_ID } from "../../platform/keys/internal-key.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { includesScope, type Scope } from "../../platform/keys/scopes.ts";
import { Problem, unknownFunction } from "../../platform/problems.ts";
import type { Quota } from "../../platform/settings/quota.ts";
import type { FunctionAccess } from "../../platform/settings/settings.ts";
import { type AttemptLimits, FailedAttempts, tooManyAttempts } from "../failed-attempts.ts";
import { callUnauthorized, challengeOf } from "./principal.ts";

/** The key with which a caller calls. */
export interface CallKey {
  readonly id: string;
  /** What the calls with the key may use; absent if nothing is limited. */
  readonly quota?: Quota | undefined;
}

export interface CallerQuestion {
  /** Name of the function. */
  readonly name: string;
  readonly access: FunctionAccess | undefined;
  /** The key that the caller sent. */
  readonly text: string | undefined;
  /** Address of the caller. */
  readonly address: string;
}

/** One of the two, or neither for a caller without a key at a public function. */
export interface Caller {
  readonly key?: CallKey | undefined;
  /** Skiff itself calls. */
  readonly isSkiff?: boolean;
  readonly problem?: Problem;
}

/** Decides who may call which function, from memory. */
export class Callers {
  readonly #keys: KeyTable;
  readonly #limits: AttemptLimits;
  readonly #attempts: FailedAttempts;

  /** @param keys none by default */
  constructor(limits: AttemptLimits, keys = new KeyTable()) {
    this.#keys = keys;
    this.#limits = limits;
    this.#attempts = new FailedAttempts(limits);
  }

  /** At a public function a valid key counts towards usage and quotas, and any other one is ignored. */
  check({ name, access = "public", text, address }: CallerQuestion): Caller {
    // Nobody from outside learns that the function exists.
    if (access === "internal")
      return this.isSkiff(text) ? { isSkiff: true } : { problem: unknownFunction(name) };
    const isAsked = access === "key";
    if (text === undefined) return isAsked ? { problem: callUnauthorized(`"${name}" asks for a key`) } : {};
    const checked = this.#keys.check(text, Date.now());
    if (checked === undefined || checked.isExpired) {
      if (!isAsked) return {};
      return { problem: checked === undefined ? this.#wrong(address) : invalid("The key has expired") };
    }
    const { id, scopes, functions, quota } = checked.key;
    if (id === INTERNAL_KEY_ID) return { isSkiff: true };
    const isFor = functions === undefined || functions.includes(name);
    if (isFor && includesScope(scopes, "call")) return { key: { id, quota } };
    return isAsked ? { problem: isFor ? missingScope(id, scopes) : otherFunction(id, name) } : {};
  }

  /** Returns whether the text of a key is that of Skiff itself. */
  isSkiff(text: string | undefined): boolean {
    return text !== undefined && this.#keys.check(text, Date.now())?.key.id === INTERNAL_KEY_ID;
  }

  /** Right keys of a blocked address pass: nobody can guess one, and an address may be that of many callers. */
  #wrong(address: string): Problem {
    const nowMs = performance.now();
    const blockedMs = this.#attempts.blockedMs(address, nowMs);
    if (blockedMs > 0) return tooManyAttempts(this.#limits, blockedMs);
    this.#attempts.fail(address, nowMs);
    return invalid("The key is wrong or was revoked");
  }
}

function invalid(what: string): Problem {
  return callUnauthorized(what, "invalid_token");
}

function missingScope(id: string, scopes: readonly Scope[]): Problem {
  const held = scopes.join(", ");
  return insufficient(
    `A call needs the scope call, and the key ${id} has ${held}: use a key with that scope.`,
  );
}

function otherFunction(id: string, name: string): Problem {
  return insufficient(`The key ${id} is not for "${name}": use another key.`);
}

function insufficient(detail: string): Problem {
  const challenge = challengeOf("insufficient_scope", "call");
  return new Problem("insufficient_scope", detail, { challenge });
}
