import { setTimeout as pause } from "node:timers/promises";
import type { StoreChanges } from "../../../store/changes.ts";
import type { Topics } from "../../../store/topics.ts";
import { outcomeOf, type ReplyOutcome, type ReplyRules } from "./replies.ts";

/** Other programs store replies as well. */
const POLL_MS = 25;
/** Wait after an error of the store. */
const AWAY_MS = 100;

export interface WaitersOptions {
  readonly topics: Pick<Topics, "replies">;
  readonly changes: StoreChanges;
  /** Other programs use the store too. */
  readonly isShared: boolean;
}

export interface WaitOptions extends ReplyRules {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly rules: ReplyRules;
  readonly resolve: (outcome: ReplyOutcome) => void;
}

/** Those who wait for replies to events that they published. */
export class Waiters {
  readonly #options: WaitersOptions;
  readonly #waiters = new Map<string, Waiter>();
  #isAsking = false;
  #isStale = false;

  constructor(options: WaitersOptions) {
    this.#options = options;
    options.changes.on("replies", this.#ask);
  }

  /**
   * Waits for the outcome of an event that is published after this call.
   * @returns undefined when the time is over
   * @throws the signal's reason
   */
  async wait(id: string, options: WaitOptions): Promise<ReplyOutcome | undefined> {
    const { timeoutMs, signal, ...rules } = options;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ReplyOutcome | undefined>();
    const leave = () => reject(signal.reason);
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    signal.addEventListener("abort", leave);
    this.#waiters.set(id, { rules, resolve });
    if (this.#options.isShared) this.#ask();
    try {
      return await promise;
    } finally {
      this.#waiters.delete(id);
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    }
  }

  readonly #ask = (): void => {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askAll();
  };

  /** One question for all who wait. In a shared store it is repeated while somebody does. */
  async #askAll(): Promise<void> {
    const { topics, isShared } = this.#options;
    while (this.#waiters.size > 0 && (this.#isStale || isShared)) {
      this.#isStale = false;
      try {
        const replies = await topics.replies([...this.#waiters.keys()]);
        for (const [id, given] of replies) this.#decide(id, given);
      } catch {
        // The store being away ends nothing: each waiter has a time.
        this.#isStale = true;
        await pause(AWAY_MS);
      }
      if (isShared && !this.#isStale) await pause(POLL_MS);
    }
    this.#isAsking = false;
  }

  #decide(id: string, replies: Parameters<typeof outcomeOf>[0]): void {
    const waiter = this.#waiters.get(id);
    const outcome = waiter && outcomeOf(replies, waiter.rules);
    if (outcome !== undefined) waiter!.resolve(outcome);
  }
}
