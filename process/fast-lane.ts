import { type Attempt, type SlowLane, Stay } from "./slow-lane.ts";
import { WaitingList } from "./waiting-list.ts";

export interface FastLaneOptions {
  /** Attempts at a time. */
  readonly places: number;
  /** Working time of an attempt in this lane while nothing waits, in milliseconds. */
  readonly mostMs: number;
  /** Working time of an attempt in this lane while something waits, in milliseconds. */
  readonly contendedMs: number;
  /** Memory of an attempt in this lane, in bytes. */
  readonly mostBytes: number;
  readonly waiting: { readonly most: number; readonly refusal: () => Error };
  /** Takes over attempts that exceed these limits. */
  readonly slow: SlowLane;
  /** A resource that each attempt needs to begin. */
  readonly means?: Means;
}

/** A supply that attempts take from. Its owner calls `admit` after it has grown. */
export interface Means {
  /** True if it holds more than `promised`. */
  has(promised: number): boolean;
  /** Orders one more. */
  want(): void;
}

const REVIEW_MS = 20;
/** Work overtakes other work that is more than this many times its size, */
const MUCH_LARGER = 4;
/** unless that has waited longer than this. */
const PATIENCE_MS = 2_000;

/**
 * Runs short work in few places. An attempt that turns out to take long moves to the slow lane, so that no work waits
 * long for a place. If the slow lane is full, the attempt is evicted and begins again there later.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  /** Places of admitted work that has not begun yet. */
  #promised = 0;
  readonly #waiting = new WaitingList<{ readonly size: number; readonly sinceMs: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  /** True if work waits, or more than one attempt runs. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0 || this.#inside.size + this.#promised > 1;
  }

  /**
   * Runs `begin`, and again after each eviction. Resolves with the result of the last attempt. `size` is the amount of
   * work in any unit.
   * @throws the refusal if too much work waits; the signal's reason if it aborts before the work begins
   */
  async run<T>(
    begin: () => Attempt<T>,
    { signal, size = 0 }: { readonly signal: AbortSignal; readonly size?: number },
  ): Promise<T> {
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
        if (stay.evictedBytes === undefined) throw error;
      } finally {
        this.#inside.delete(stay);
        this.#options.slow.leave(stay);
        this.admit();
      }
      stay = await this.#options.slow.begin(begin, stay.evictedBytes, signal);
    }
  }

  async #enter(signal: AbortSignal, size: number): Promise<void> {
    signal.throwIfAborted();
    const { most, refusal } = this.#options.waiting;
    if (this.#hasPlace && this.#hasMeans) {
      this.#promised++;
      return;
    }
    if (this.#waiting.size >= most) throw refusal();
    const sinceMs = performance.now();
    const admitted = this.#waiting.wait(
      { size, sinceMs },
      signal,
      (other) => other.size > MUCH_LARGER * size && sinceMs - other.sinceMs < PATIENCE_MS,
    );
    this.#review();
    await admitted;
  }

  /** Admits waiting work while there are places and means. */
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

  get #hasPlace(): boolean {
    return this.#inside.size + this.#promised < this.#options.places;
  }

  /** Moves attempts that exceed the limits to the slow lane, or evicts them. */
  #review(): void {
    const { mostMs, contendedMs, mostBytes, slow } = this.#options;
    const withinMs = this.#waiting.size > 0 ? contendedMs : mostMs;
    for (const stay of this.#inside) {
      const { attempt } = stay;
      if (attempt.workedMs() < withinMs && attempt.bytes() < mostBytes) continue;
      if (slow.tryEnter(stay)) this.#inside.delete(stay);
      else stay.evict();
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
