import { type Attempt, type SlowLane, Stay } from "./slow-lane.ts";
import { WaitingList } from "./waiting-list.ts";

export interface FastLaneOptions {
  /** Pieces of work at a time. */
  readonly places: number;
  /** Time that work may take here when none waits. */
  readonly mostMs: number;
  /** Time that it may take here when some waits. */
  readonly contendedMs: number;
  /** Memory that it may take here, in bytes. */
  readonly mostBytes: number;
  readonly waiting: { readonly most: number; readonly refusal: () => Error };
  /** Takes over work that passes these limits. */
  readonly slow: SlowLane;
  /** Resource that work needs to begin, if there is not always one. */
  readonly means?: Means;
}

/** A resource that is made ready for work. Its owner calls `admit` when there is more of it. */
export interface Means {
  /** Whether there is more than `promised` of it. */
  has(promised: number): boolean;
  /** Asks for one more: work waits for it. */
  want(): void;
}

export interface Entry {
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
  /** Amount of work, in any unit: small work goes ahead of much larger work. */
  readonly size?: number;
}

interface Waiter {
  readonly size: number;
  readonly sinceMs: number;
}

const REVIEW_MS = 20;
/** Work goes ahead of other work that is larger by more than this factor and has not waited for PATIENCE_MS. */
const MUCH_LARGER = 4;
const PATIENCE_MS = 2_000;

/**
 * Short work. It has few places, and work that takes longer goes on in the slow lane, so that a place is free soon. Where
 * the slow lane has no room, that work is evicted and begins anew there later.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  /** Places of work that was admitted and has not begun yet. */
  #promised = 0;
  readonly #waiting = new WaitingList<Waiter>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  /** Some work waits, or more than one piece is being done. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0 || this.#inside.size + this.#promised > 1;
  }

  /**
   * Resolves with the result of the work. `begin` is called again after each eviction.
   * @throws the refusal if too many wait already, the signal's reason when it aborts before the work began
   */
  async run<T>(begin: () => Attempt<T>, { signal, size = 0 }: Entry): Promise<T> {
    await this.#enter(signal, size);
    let stay: Stay<T>;
    try {
      stay = new Stay(begin());
      this.#inside.add(stay);
    } finally {
      this.#promised--;
      this.admit();
    }
    this.#keepReviewing();
    for (;;) {
      try {
        return await stay.attempt.done;
      } catch (error) {
        if (!stay.wasEvicted) throw error;
      } finally {
        this.#leave(stay);
      }
      stay = await this.#beginSlow(begin, stay.lastBytes, signal);
    }
  }

  async #beginSlow<T>(begin: () => Attempt<T>, bytes: number, signal: AbortSignal): Promise<Stay<T>> {
    const take = await this.#options.slow.enter(bytes, signal);
    let stay: Stay<T> | undefined;
    try {
      stay = new Stay(begin());
    } finally {
      take(stay);
    }
    stay.attempt.slowDown();
    return stay;
  }

  async #enter(signal: AbortSignal, size: number): Promise<void> {
    signal.throwIfAborted();
    const { most, refusal } = this.#options.waiting;
    if (this.#hasPlace && this.#hasMeans) {
      this.#promised++;
      return;
    }
    if (this.#waiting.size >= most) throw refusal();
    const waiter: Waiter = { size, sinceMs: performance.now() };
    const entered = this.#waiting.wait(waiter, signal, this.#positionOf(waiter));
    this.#review();
    await entered;
  }

  #leave(stay: Stay<unknown>): void {
    this.#inside.delete(stay);
    this.#options.slow.leave(stay);
    this.admit();
  }

  /** Admits the work that can begin. */
  admit(): void {
    while (this.#hasPlace && this.#waiting.size > 0) {
      if (!this.#hasMeans) {
        this.#options.means?.want();
        return;
      }
      this.#promised++;
      this.#waiting.admit();
    }
  }

  get #hasMeans(): boolean {
    return this.#options.means?.has(this.#promised) ?? true;
  }

  #positionOf({ size, sinceMs }: Waiter): number {
    const goesAhead = (other: Waiter) =>
      other.size > MUCH_LARGER * size && sinceMs - other.sinceMs < PATIENCE_MS;
    return [...this.#waiting].findLastIndex((other) => !goesAhead(other)) + 1;
  }

  get #hasPlace(): boolean {
    return this.#inside.size + this.#promised < this.#options.places;
  }

  /** Moves out work that takes too long or too much memory. */
  #review(): void {
    const { mostMs, contendedMs, mostBytes, slow } = this.#options;
    const withinMs = this.#waiting.size > 0 ? contendedMs : mostMs;
    for (const stay of this.#inside) {
      const { attempt } = stay;
      if (attempt.workedMs() < withinMs && attempt.bytes() < mostBytes) continue;
      if (slow.tryEnter(stay)) {
        this.#inside.delete(stay);
        attempt.slowDown();
      } else if (stay.canBeEvicted) stay.evict();
    }
    this.admit();
  }

  #keepReviewing(): void {
    this.#timer ??= setInterval(() => {
      this.#review();
      if (this.#inside.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, REVIEW_MS).unref();
  }
}
