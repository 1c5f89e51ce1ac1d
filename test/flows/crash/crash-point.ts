import { draining } from "../../../platform/problems.ts";

/** Methods that change the store. */
const WRITES = new Set([
  ...["create", "append", "claim", "free", "signal", "reopen", "advance"],
  ...["publish", "enqueue", "write"],
]);
const PARTS = new Set(["runs", "waits", "versions", "topics", "calls", "bodies", "timers"]);

/** The moment at which a program stops, for good or for a while: there is one before and one after each write and each call. */
export class CrashPoint {
  /** Resolves when it stops. */
  readonly reached: Promise<void>;
  readonly #at: number;
  readonly #onReached: () => void;
  #passed = 0;
  #isStopped = false;
  #rest = Promise.withResolvers<void>();

  /** @param at how many moments it lives through */
  constructor(at: number) {
    this.#at = at;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.reached = promise;
    this.#onReached = resolve;
    this.#rest.promise.catch(() => {});
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Returns whether the program lives through this moment. */
  pass(): boolean {
    if (!this.#isStopped && this.#passed++ === this.#at) {
      this.#isStopped = true;
      this.#onReached();
    }
    return !this.#isStopped;
  }

  /** Resolves if the program lives, or when it goes on. */
  async alive(): Promise<void> {
    if (this.#isStopped) await this.#rest.promise;
  }

  /** It was not dead: what it was about to do happens now. */
  goOn(): void {
    this.#isStopped = false;
    this.#rest.resolve();
  }

  /** Ends what waits in vain. */
  bury(): void {
    if (this.#isStopped) this.#rest.reject(draining());
  }
}

/** The store as the program sees it. While it is stopped nothing of it comes to the store, and no answer comes to it. */
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
      const moment = async () => {
        if (WRITES.has(name)) point.pass();
        await point.alive();
      };
      return async (...given: readonly unknown[]) => {
        await moment();
        const answer: unknown = await member.apply(target, given);
        await moment();
        return answer;
      };
    },
  });
}
