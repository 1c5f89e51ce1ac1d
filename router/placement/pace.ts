/** Time over which the pace of a queue is measured, in milliseconds; longer if nobody got his turn in it. */
const WINDOW_MS = 500;
/** A queue that was never empty for this long is no burst: more calls come than can be served. */
const STANDING_AFTER_MS = 1_000;
/** Longest wait that is taken on then, in milliseconds: what waits is gone soon after the calls get fewer. */
const STANDING_WAIT_MS = 2_000;

export interface Turn {
  /** Calls that wait already. */
  readonly waiting: number;
  /** Calls that instances work on. */
  readonly inFlight: number;
  /** Longest time that the call may wait, in milliseconds. */
  readonly patienceMs: number;
}

/** How fast the queue of a function moves, and so how long one more call would have to wait. Times are monotonic. */
export class Pace {
  #beganMs = 0;
  #windowMs = 0;
  #served = 0;
  #perMs: number | undefined;

  /** The first call waits, or the first instance has come. */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#windowMs = nowMs;
    this.#served = 0;
    this.#perMs = undefined;
  }

  /** A call that waited has its turn. */
  served(): void {
    this.#served++;
  }

  /**
   * The time that one more call would wait, in milliseconds, if it is not worth waiting for; undefined if it is,
   * or if nobody knows yet. Bursts may wait for as long as they like. Of a queue that does not get shorter no
   * more is taken on than is served in two seconds, or than one more round of the calls under way.
   */
  tooLongMs({ waiting, inFlight, patienceMs }: Turn, nowMs: number): number | undefined {
    const perMs = this.#measured(nowMs);
    if (perMs === undefined) return undefined;
    const expectedMs = (waiting + 1) / perMs;
    if (expectedMs > patienceMs) return expectedMs;
    const stands = nowMs - this.#beganMs >= STANDING_AFTER_MS;
    return stands && expectedMs > STANDING_WAIT_MS && waiting >= inFlight ? expectedMs : undefined;
  }

  #measured(nowMs: number): number | undefined {
    const elapsedMs = nowMs - this.#windowMs;
    if (elapsedMs < WINDOW_MS) return this.#perMs;
    if (this.#served > 0) {
      this.#perMs = this.#served / elapsedMs;
      this.#windowMs = nowMs;
      this.#served = 0;
    } else if (this.#perMs !== undefined) {
      // It has become slower than it was.
      return Math.min(this.#perMs, 1 / elapsedMs);
    }
    return this.#perMs;
  }
}
