import { WaitingList } from "./waiting-list.ts";

/** One attempt at a piece of work. */
export interface Attempt<T> {
  readonly done: Promise<T>;
  /** Memory that it takes now, in bytes. */
  readonly bytes: () => number;
  /** How long it has been working, in milliseconds; waiting for a process to start does not count. */
  readonly workedMs: () => number;
  /** Tells it that it has left the fast lane: everything else goes first. */
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
  /** Memory that all work in it may take together. */
  readonly bytes: number;
}

const REVIEW_MS = 50;

/**
 * Long work. It has many places, because long work mostly waits or has to be slow, and one bound on memory: when all
 * together pass it, the newest is evicted and begins anew when there is room.
 */
export class SlowLane {
  readonly #options: SlowLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  /** The memory that each needs. */
  readonly #waiting = new WaitingList<number>();
  /** Memory of work that was admitted and has not begun yet. */
  #promised: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlowLaneOptions) {
    this.#options = options;
  }

  /** Takes it in if there is room. */
  tryEnter(stay: Stay<unknown>): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom(stay.attempt.bytes())) return false;
    this.#add(stay);
    return true;
  }

  /**
   * Resolves when there is room for `bytes`, with a function that takes the place; called with undefined it gives the
   * place back.
   * @throws the signal's reason
   */
  async enter(bytes: number, signal: AbortSignal): Promise<(stay: Stay<unknown> | undefined) => void> {
    signal.throwIfAborted();
    const admitted = this.#waiting.wait(bytes, signal);
    this.#review();
    await admitted;
    return (stay) => {
      this.#promised.splice(this.#promised.indexOf(bytes), 1);
      if (stay) this.#add(stay);
      else this.#review();
    };
  }

  leave(stay: Stay<unknown>): void {
    if (this.#inside.delete(stay)) this.#review();
  }

  #add(stay: Stay<unknown>): void {
    this.#inside.add(stay);
    this.#timer ??= setInterval(() => this.#review(), REVIEW_MS).unref();
  }

  /** Admits work that has room, and evicts the newest if all take too much. */
  #review(): void {
    const inside = [...this.#inside];
    const isEnding = inside.some((each) => each.wasEvicted);
    if (inside.length > 1 && !isEnding && this.#bytes() > this.#options.bytes) {
      inside.findLast((each) => each.canBeEvicted)?.evict();
    }
    for (const bytes of this.#waiting) {
      if (!this.#hasRoom(bytes)) break;
      this.#promised.push(bytes);
      this.#waiting.admit();
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
