import { type Attempt, type SlowLane, Stay } from "./slow-lane.ts";

export interface FastLaneOptions {
  /** Pieces of work at a time. */
  readonly places: number;
  /** Time that work may take here when nobody waits. */
  readonly mostMs: number;
  /** Time that it may take here when somebody does. */
  readonly contendedMs: number;
  /** Memory that it may take here, in bytes. */
  readonly mostBytes: number;
  readonly waiting: { readonly most: number; readonly refusal: () => Error };
  /** Where what is over these goes on. */
  readonly slow: SlowLane;
  /** What work needs to begin, if that is not always there. */
  readonly means?: Means;
}

/** Something that is made ready for work. Who brings more of it calls `admit`. */
export interface Means {
  /** Whether there is more than `promised` of it. */
  has(promised: number): boolean;
  /** Somebody waits for one. */
  want(): void;
}

export interface Entry {
  /** Ends the wait for a place. */
  readonly signal: AbortSignal;
  /** How much there is to do, in any unit: small work goes ahead of what is much larger. */
  readonly size?: number;
}

interface Waiter {
  readonly enter: () => void;
  readonly size: number;
  readonly sinceMs: number;
}

const REVIEW_MS = 20;
/** Work goes ahead of what is over so many times its size, */
const MUCH_LARGER = 4;
/** and has not waited for so long. */
const PATIENCE_MS = 2_000;

/**
 * Few places for work that is done in no time, so that nobody waits long for one: what turns out to take longer goes
 * on in the slow lane, and begins anew there if that has no room at the moment.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  /** Places given to those who have not begun yet. */
  #promised = 0;
  #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  /** Somebody waits, or more than one works. */
  get isCrowded(): boolean {
    return this.#waiting.length > 0 || this.#inside.size + this.#promised > 1;
  }

  /**
   * Gives what the work gives. `begin` is called once more after every time that the attempt before was evicted.
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
    if (this.#waiting.length >= most) throw refusal();
    const entered = new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        reject(signal.reason);
      };
      const enter = () => {
        signal.removeEventListener("abort", leave);
        this.#promised++;
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      const waiter: Waiter = { enter, size, sinceMs: performance.now() };
      this.#waiting.splice(this.#positionOf(waiter), 0, waiter);
    });
    this.#review();
    await entered;
  }

  #leave(stay: Stay<unknown>): void {
    this.#inside.delete(stay);
    this.#options.slow.leave(stay);
    this.admit();
  }

  /** Lets in who can begin. */
  admit(): void {
    while (this.#hasPlace && this.#waiting.length > 0) {
      if (!this.#hasMeans) {
        this.#options.means?.want();
        return;
      }
      this.#waiting.shift()?.enter();
    }
  }

  get #hasMeans(): boolean {
    return this.#options.means?.has(this.#promised) ?? true;
  }

  #positionOf({ size, sinceMs }: Waiter): number {
    const goesAhead = (other: Waiter) =>
      other.size > MUCH_LARGER * size && sinceMs - other.sinceMs < PATIENCE_MS;
    let position = this.#waiting.length;
    while (position > 0 && goesAhead(this.#waiting[position - 1]!)) position--;
    return position;
  }

  get #hasPlace(): boolean {
    return this.#inside.size + this.#promised < this.#options.places;
  }

  /** Moves out what has been here for too long, or has become too large. */
  #review(): void {
    const { mostMs, contendedMs, mostBytes, slow } = this.#options;
    const withinMs = this.#waiting.length > 0 ? contendedMs : mostMs;
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
