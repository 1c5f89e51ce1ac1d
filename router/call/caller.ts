import { type AttemptLimits, FailedAttempts, tooManyAttempts } from "../../http/failed-attempts.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { includesScope, type Scope } from "../../platform/keys/scopes.ts";
import { Problem, unknownFunction } from "../../platform/problems.ts";
import type { Quota } from "../../platform/settings/quota.ts";
import type { FunctionAccess } from "../../platform/settings/settings.ts";

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
    if (access === "internal") return { problem: unknownFunction(name) };
    const isAsked = access === "key";
    if (text === undefined) return isAsked ? { problem: unauthorized(`"${name}" asks for a key`) } : {};
    const blockedMs = isAsked ? this.#attempts.blockedMs(address, performance.now()) : 0;
    if (blockedMs > 0) return { problem: tooManyAttempts(this.#limits, blockedMs) };
    const checked = this.#keys.check(text, Date.now());
    if (checked === undefined || checked.isExpired) {
      if (!isAsked) return {};
      // An expired key was right once: no attempt to guess one.
      if (checked === undefined) this.#attempts.fail(address, performance.now());
      const what = checked === undefined ? "The key is wrong or was revoked" : "The key has expired";
      return { problem: unauthorized(what, ', error="invalid_token"') };
    }
    const { id, scopes, functions, quota } = checked.key;
    const isFor = functions === undefined || functions.includes(name);
    if (isFor && includesScope(scopes, "call")) return { key: { id, quota } };
    return isAsked ? { problem: isFor ? missingScope(id, scopes) : otherFunction(id, name) } : {};
  }
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
  const challenge = 'Bearer realm="skiff", error="insufficient_scope", scope="call"';
  return new Problem("insufficient_scope", detail, { challenge });
}

function unauthorized(what: string, error = ""): Problem {
  const detail = `${what}: send the header Authorization: Bearer KEY with a key that has the scope call.`;
  return new Problem("unauthorized", detail, { challenge: `Bearer realm="skiff"${error}` });
}
