import { WaitingList } from "./waiting-list.ts";

/** One try at a piece of work. */
export interface Attempt<T> {
  readonly done: Promise<T>;
  /** Current memory in bytes. */
  readonly bytes: () => number;
  /** Working time in milliseconds, without the time that a process takes to start. */
  readonly workedMs: () => number;
  /** Yields to all other work, because the attempt has left the fast lane. */
  readonly slowDown: () => void;
  /** Ends the attempt, so that the work can begin again later; `done` rejects. Absent if the work runs only once. */
  readonly evict?: () => void;
}

/** An attempt in a lane. */
export class Stay<T> {
  readonly attempt: Attempt<T>;
  #evictedBytes: number | undefined;

  constructor(attempt: Attempt<T>) {
    this.attempt = attempt;
  }

  /** Memory in bytes at the eviction. Undefined if the attempt was not evicted. */
  get evictedBytes(): number | undefined {
    return this.#evictedBytes;
  }

  /** False if the attempt cannot be evicted, or was evicted before. */
  evict(): boolean {
    if (this.#evictedBytes !== undefined || !this.attempt.evict) return false;
    this.#evictedBytes = this.attempt.bytes();
    this.attempt.evict();
    return true;
  }
}

export interface SlowLaneOptions {
  readonly places: number;
  /** Memory of all attempts together, in bytes. */
  readonly bytes: number;
}

const REVIEW_MS = 50;

/**
 * Runs work that takes long. It has many places, because such work mostly waits. Memory is bounded: over the bound the
 * newest attempt is evicted, and begins again when there is room.
 */
export class SlowLane {
  readonly #options: SlowLaneOptions;
  readonly #inside = new Set<Stay<unknown>>();
  readonly #waiting = new WaitingList<number>();
  /** Bytes of admitted attempts that have not begun yet. */
  readonly #promised: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlowLaneOptions) {
    this.#options = options;
  }

  /** Takes over an attempt. False if there is no room. */
  tryEnter(stay: Stay<unknown>): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom(stay.attempt.bytes())) return false;
    this.#add(stay);
    return true;
  }

  /**
   * Begins an attempt when there is room for `bytes`.
   * @throws the error of `begin`; the signal's reason if it aborts before
   */
  async begin<T>(begin: () => Attempt<T>, bytes: number, signal: AbortSignal): Promise<Stay<T>> {
    signal.throwIfAborted();
    const admitted = this.#waiting.wait(bytes, signal);
    this.#review();
    await admitted;
    try {
      const stay = new Stay(begin());
      this.#add(stay);
      return stay;
    } finally {
      this.#promised.splice(this.#promised.indexOf(bytes), 1);
      this.#review();
    }
  }

  leave(stay: Stay<unknown>): void {
    if (this.#inside.delete(stay)) this.#review();
  }

  #add(stay: Stay<unknown>): void {
    this.#inside.add(stay);
    stay.attempt.slowDown();
    this.#timer ??= setInterval(() => this.#review(), REVIEW_MS).unref();
  }

  /** Admits those that have room, and evicts the newest attempt if all take too much memory. */
  #review(): void {
    const inside = [...this.#inside];
    const isEvicting = inside.some((each) => each.evictedBytes !== undefined);
    if (inside.length > 1 && !isEvicting && this.#bytes() > this.#options.bytes) {
      inside.findLast((each) => each.evict());
    }
    for (
      let next = this.#waiting.first;
      next !== undefined && this.#hasRoom(next);
      next = this.#waiting.first
    ) {
      this.#promised.push(next);
      this.#waiting.admit();
    }
    if (this.#inside.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #hasRoom(bytes: number): boolean {
    const count = this.#inside.size + this.#promised.length;
    return count === 0 || (count < this.#options.places && this.#bytes() + bytes <= this.#options.bytes);
  }

  #bytes(): number {
    let bytes = this.#promised.reduce((sum, each) => sum + each, 0);
    for (const { attempt } of this.#inside) bytes += attempt.bytes();
    return bytes;
  }
}
