import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../../calling/away.ts";
import type { Calls, HeldLease, Settlement } from "../../store/calls.ts";

const MOST_AT_ONCE = 256;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

interface Waiting {
  readonly settlement: Settlement;
  readonly settled: (isHeld: boolean) => void;
}

export interface SettlementsOptions {
  readonly calls: Pick<Calls, "settle">;
  readonly now: () => number;
  readonly print: (line: string) => void;
}

/**
 * Stores what became of attempts, those that end meanwhile in one transaction. What cannot be stored is tried again until
 * the store is back: the function has run, and must not run again for that.
 */
export class Settlements {
  readonly #options: SettlementsOptions;
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  /** Epochs by the id of the call. */
  readonly #dropped = new Map<string, number>();
  #isStoring = false;

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Resolves when it is stored: with false if the lease no longer held, or if it was dropped. */
  settle(settlement: Settlement): Promise<boolean> {
    if (this.#closing.signal.aborted) {
      this.#dropEnd(settlement);
      return Promise.resolve(false);
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push({ settlement, settled: resolve });
    if (!this.#isStoring) void this.#storeAll();
    return promise;
  }

  /** Calls that ran and whose ends are not stored, nor will be. */
  get dropped(): readonly HeldLease[] {
    return [...this.#dropped].map(([id, epoch]) => ({ id, epoch }));
  }

  drop({ id, epoch }: HeldLease): void {
    this.#dropped.set(id, epoch);
  }

  /** Says that the store knows these as dropped. */
  forget(dropped: readonly HeldLease[]): void {
    for (const { id, epoch } of dropped) if (this.#dropped.get(id) === epoch) this.#dropped.delete(id);
  }

  /** Drops what is not stored. */
  close(): void {
    this.#closing.abort();
    for (const { settlement, settled } of this.#waiting.splice(0)) {
      this.#dropEnd(settlement);
      settled(false);
    }
  }

  async #storeAll(): Promise<void> {
    this.#isStoring = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_AT_ONCE);
      const held = await this.#store(batch.map(({ settlement }) => settlement));
      for (const [index, { settled }] of batch.entries()) settled(held[index] ?? false);
    }
    this.#isStoring = false;
  }

  /** @param isReduced it is one that could not be stored, without its answer */
  async #store(settlements: readonly Settlement[], isReduced = false): Promise<readonly boolean[]> {
    const { calls, now, print } = this.#options;
    const { signal } = this.#closing;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await calls.settle(settlements, now());
      } catch (error) {
        const { message } = error as Error;
        if (!isAway(error)) {
          // One settlement must not keep the others from being stored.
          if (settlements.length > 1) return this.#storeEach(settlements);
          const [settlement] = settlements as readonly [Settlement];
          print(`what became of the call ${settlement.id} cannot be stored: ${message}`);
          if (!isReduced) return this.#store([reduced(settlement, message)], true);
          this.#dropEnd(settlement);
          return [];
        }
        if (pauseMs === FIRST_PAUSE_MS)
          print(`${settlements.length} calls ended, and the store is away: ${message}`);
      }
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
    for (const settlement of settlements) this.#dropEnd(settlement);
    return [];
  }

  /** A call that was refused, or given back, has not run. */
  #dropEnd(settlement: Settlement): void {
    if (settlement.attempt !== undefined || settlement.outcome.state !== "waiting") this.drop(settlement);
  }

  async #storeEach(settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    const held = await Promise.all(settlements.map((each) => this.#store([each])));
    return held.map(([isHeld]) => isHeld ?? false);
  }
}

/** Returns the end of an attempt without what may be the reason that it cannot be stored. */
function reduced({ id, owner, epoch, attempt, outcome, ...effects }: Settlement, why: string): Settlement {
  const hasEffects = Object.values(effects).some((effect) => effect !== undefined);
  const isDone = outcome.state === "done" && !hasEffects;
  const reason = `Its outcome could not be stored: ${why}`;
  return { id, owner, epoch, attempt, outcome: isDone ? { state: "done" } : { state: "dead", reason } };
}
