/** Time over which the pace is measured, in milliseconds; longer if no waiting call was served in it. */
const WINDOW_MS = 500;
/** A queue that was never empty for this long is not a burst: more calls arrive than can be served. */
const STANDING_AFTER_MS = 1_000;
/** Longest expected wait in a standing queue, in milliseconds: it drains soon after the calls get fewer. */
const STANDING_WAIT_MS = 2_000;

export interface Turn {
  /** Calls in the queue. */
  readonly waiting: number;
  /** Calls on instances. */
  readonly inFlight: number;
  /** Longest time that the call may wait, in milliseconds. */
  readonly patienceMs: number;
}

/** Measures how fast a queue moves, to estimate the wait of one more call. Times are monotonic. */
export class Pace {
  #beganMs = 0;
  #windowMs = 0;
  #served = 0;
  #perMs: number | undefined;

  /** Starts anew: the first call waits, or the first instance is ready. */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#windowMs = nowMs;
    this.#served = 0;
    this.#perMs = undefined;
  }

  /** Counts a waiting call that got a place. */
  served(): void {
    this.#served++;
  }

  /**
   * Returns the expected wait of one more call, in milliseconds, if the call is to be refused; undefined if
   * it may wait, or if the pace is unknown. A burst may use all of the patience. A standing queue admits no
   * more than it serves in two seconds, or than one more round of the calls in flight.
   */
  tooLongMs({ waiting, inFlight, patienceMs }: Turn, nowMs: number): number | undefined {
    const perMs = this.#measure(nowMs);
    if (perMs === undefined) return undefined;
    const expectedMs = (waiting + 1) / perMs;
    if (expectedMs > patienceMs) return expectedMs;
    const stands = nowMs - this.#beganMs >= STANDING_AFTER_MS;
    return stands && expectedMs > STANDING_WAIT_MS && waiting >= inFlight ? expectedMs : undefined;
  }

  #measure(nowMs: number): number | undefined {
    const elapsedMs = nowMs - this.#windowMs;
    if (elapsedMs < WINDOW_MS) return this.#perMs;
    // Without a served call the queue is slower than it was.
    if (this.#served === 0) return this.#perMs && Math.min(this.#perMs, 1 / elapsedMs);
    this.#perMs = this.#served / elapsedMs;
    this.#windowMs = nowMs;
    this.#served = 0;
    return this.#perMs;
  }
}
