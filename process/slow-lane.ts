/** One go at a piece of work. */
export interface Attempt<T> {
  readonly done: Promise<T>;
  /** Memory that it takes now, in bytes. */
  readonly bytes: () => number;
  /** How long it has been working, in milliseconds; waiting for a process to start is not work. */
  readonly workedMs: () => number;
  /** It has left the fast lane: everything else goes first. */
  readonly slowDown: () => void;
  /** Ends it so that it can begin anew later; `done` rejects. Absent: it cannot be done twice. */
  readonly evict?: () => void;
}

/** An attempt in one of the lanes. */
export class Stay<T> {
  readonly attempt: Attempt<T>;
  #evicted = false;
  #lastBytes = 0;

  constructor(attempt: Attempt<T>) {
    this.attempt = attempt;
  }

  get canBeEvicted(): boolean {
    return this.attempt.evict !== undefined && !this.#evicted;
  }

  get wasEvicted(): boolean {
    return this.#evicted;
  }

  /** Memory that it took when it was evicted, and will take again. */
  get lastBytes(): number {
    return this.#lastBytes;
  }

  evict(): void {
    this.#evicted = true;
    this.#lastBytes = this.attempt.bytes();
    this.attempt.evict?.();
  }
}

export interface SlowLaneOptions {
  readonly places: number;
  /** Memory that all in it may take together. */
  readonly bytes: number;
}

const REVIEW_MS = 50;

interface Waiter {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Where work goes on that takes long. It has many places, since what takes long mostly waits, or has to be slow; and
 * one bound on memory: when that is passed the newest has to leave, and begins anew when there is room.
 */
export class SlowLane {
  readonly #options: SlowLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  #waiting: Waiter[] = [];
  /** Memory of those who were let in and have not begun yet. */
  #promised: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlowLaneOptions) {
    this.#options = options;
  }

  /** Takes it in if there is room. */
  tryEnter(stay: Stay<unknown>): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(stay.attempt.bytes())) return false;
    this.#add(stay);
    return true;
  }

  /**
   * Resolves with the way to take the place when there is room for `bytes`; to take nothing gives it back.
   * @throws the signal's reason
   */
  enter(bytes: number, signal: AbortSignal): Promise<(stay: Stay<unknown> | undefined) => void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        reject(signal.reason);
      };
      const take = (stay: Stay<unknown> | undefined) => {
        this.#promised.splice(this.#promised.indexOf(bytes), 1);
        if (stay) this.#add(stay);
        else this.#review();
      };
      const enter = () => {
        signal.removeEventListener("abort", leave);
        this.#promised.push(bytes);
        resolve(take);
      };
      const waiter: Waiter = { bytes, enter };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
      this.#review();
    });
  }

  leave(stay: Stay<unknown>): void {
    if (this.#inside.delete(stay)) this.#review();
  }

  #add(stay: Stay<unknown>): void {
    this.#inside.add(stay);
    this.#timer ??= setInterval(() => this.#review(), REVIEW_MS).unref();
  }

  /** Lets in who has room, and sends out the newest if all take too much. */
  #review(): void {
    const inside = [...this.#inside];
    const isEnding = inside.some((each) => each.wasEvicted);
    if (inside.length > 1 && !isEnding && this.#bytes() > this.#options.bytes) {
      inside.findLast((each) => each.canBeEvicted)?.evict();
    }
    for (let next = this.#waiting[0]; next && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      next.enter();
    }
    if (this.#inside.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #hasRoom(bytes: number): boolean {
    const count = this.#inside.size + this.#promised.length;
    if (count === 0) return true;
    return count < this.#options.places && this.#bytes() + bytes <= this.#options.bytes;
  }

  #bytes(): number {
    let bytes = this.#promised.reduce((sum, each) => sum + each, 0);
    for (const { attempt } of this.#inside) bytes += attempt.bytes();
    return bytes;
  }
}
