import { draining } from "../../../platform/problems.ts";

/** Methods that change the store. */
const WRITES = new Set([
  ...["create", "append", "claim", "free", "signal", "reopen", "advance"],
  ...["publish", "enqueue", "write"],
]);
const PARTS = new Set(["runs", "waits", "versions", "topics", "calls", "bodies", "timers"]);

/** The moment at which a program dies: there is one before and one after each write and each call. */
export class CrashPoint {
  readonly #at: number;
  readonly #onDeath: () => void;
  readonly #burial = Promise.withResolvers<never>();
  #passed = 0;
  #isDead = false;

  /** @param at how many moments it lives through */
  constructor(at: number, onDeath: () => void) {
    this.#at = at;
    this.#onDeath = onDeath;
    this.#burial.promise.catch(() => {});
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** What a dead program waits for in vain, until the test ends it. */
  get silence(): Promise<never> {
    return this.#burial.promise;
  }

  bury(): void {
    this.#isDead = true;
    this.#burial.reject(draining());
  }

  /** Returns whether the program lives through this moment. */
  pass(): boolean {
    if (this.#isDead) return false;
    if (this.#passed++ < this.#at) return true;
    this.#isDead = true;
    this.#onDeath();
    return false;
  }
}

/** The store as the program sees it. After its death nothing of it comes to the store, and no answer comes to it. */
export function mortal<T extends object>(part: T, point: CrashPoint): T {
  const parts = new Map<string, object>();
  return new Proxy(part, {
    get(target, property) {
      const name = String(property);
      const member: unknown = Reflect.get(target, property);
      if (PARTS.has(name) && typeof member === "object" && member !== null) {
        if (!parts.has(name)) parts.set(name, mortal(member, point));
        return parts.get(name);
      }
      if (typeof member !== "function") return member;
      const isWrite = WRITES.has(name);
      return async (...given: readonly unknown[]) => {
        if (point.isDead || (isWrite && !point.pass())) return await point.silence;
        const answer: unknown = await member.apply(target, given);
        if (point.isDead || (isWrite && !point.pass())) return await point.silence;
        return answer;
      };
    },
  });
}
