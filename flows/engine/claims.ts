import type { StoreChanges } from "../../store/changes.ts";
import type { ClaimedRuns, Runs, StoredSignal } from "../../store/flows/runs.ts";

/** Time between two looks at a store that other programs change too, in milliseconds. */
const POLL_MS = 200;
/** Longest time without a look: a clock may have been set. */
const LONGEST_REST_MS = 60_000;
const RETRY_MS = 500;
/** Time until room is made again: runs that were busy, or due in a moment, may rest by then. */
const FULL_MS = 250;
/** Most runs of one claim: each is read. */
const MOST_AT_ONCE = 64;
const MOST_SIGNALS = 1_000;

export interface ClaimsOptions {
  readonly runs: Pick<Runs, "claim" | "signals">;
  readonly changes: StoreChanges;
  readonly isShared: boolean;
  readonly now: () => number;
  readonly print: (line: string) => void;
  /** The name of the engine; undefined while it cannot claim. */
  readonly owner: () => string | undefined;
  /** How many more runs the engine can have. */
  readonly room: () => number;
  /** Whether the engine has runs, which may have signals. */
  readonly hasRuns: () => boolean;
  /** Resolves when the engine has them. */
  readonly onClaimed: (claimed: ClaimedRuns, owner: string) => Promise<void>;
  readonly onSignals: (signals: readonly StoredSignal[]) => void;
  /** Called when runs wait for which there is no room. */
  readonly onFull: () => void;
}

/** Takes runs from the store as they become due, and signals of those that the engine has. */
export class Claims {
  readonly #options: ClaimsOptions;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #looking: Promise<unknown> = Promise.resolve();
  #isWoken = false;
  #isAway = false;
  #isClosed = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    options.changes.on("runs", this.wake);
  }

  readonly wake = (): void => void this.#look();

  /** Resolves when what was claimed is known. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.changes.off("runs", this.wake);
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    this.#isWoken = true;
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    clearTimeout(this.#timer);
    let restMs = LONGEST_REST_MS;
    try {
      while (this.#isWoken && !this.#isClosed) {
        // Whatever wakes the engine in the same turn, such as the ends of a batch of runs, makes one look.
        await new Promise(setImmediate);
        this.#isWoken = false;
        const looking = this.#lookOnce();
        this.#looking = looking.catch(() => {});
        restMs = await looking;
      }
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway) this.#options.print(`runs of flows cannot be read: ${(error as Error).message}`);
      this.#isAway = true;
      restMs = RETRY_MS;
    }
    this.#isLooking = false;
    if (!this.#isClosed) this.#timer = setTimeout(this.wake, restMs);
  }

  /** Returns the time until something is due. */
  async #lookOnce(): Promise<number> {
    const { owner: ownerNow, isShared, now } = this.#options;
    const owner = ownerNow();
    if (this.#isClosed || owner === undefined) return LONGEST_REST_MS;
    const [{ nextDueAt, isFull }] = await Promise.all([this.#claim(owner), this.#readSignals(owner)]);
    // Now that runs with signals are at work: one that is released before it knows them is due again at once.
    if (isFull) {
      this.#options.onFull();
      return FULL_MS;
    }
    const dueMs = (nextDueAt ?? Number.POSITIVE_INFINITY) - now();
    return Math.max(1, Math.min(dueMs, isShared ? POLL_MS : LONGEST_REST_MS));
  }

  /** Returns when the next run is due, unless there is no room for it: `isFull`. */
  async #claim(owner: string): Promise<{ readonly nextDueAt: number | undefined; readonly isFull: boolean }> {
    const { runs, room, now, onClaimed } = this.#options;
    const limit = Math.max(0, Math.min(room(), MOST_AT_ONCE));
    const claimed = await runs.claim({ owner, now: now(), limit });
    const { nextDueAt, isMore } = claimed;
    await onClaimed(claimed, owner);
    // They may have signals.
    const isAny = claimed.runs.length > 0;
    const isFull = isMore && limit < MOST_AT_ONCE;
    if (isAny || (isMore && !isFull)) this.#isWoken = true;
    return { nextDueAt: isMore ? undefined : nextDueAt, isFull: isFull && !isAny };
  }

  async #readSignals(owner: string): Promise<void> {
    const { runs, hasRuns, onSignals } = this.#options;
    if (!hasRuns()) return;
    const signals = await runs.signals(owner, MOST_SIGNALS);
    if (signals.length > 0) onSignals(signals);
  }
}
