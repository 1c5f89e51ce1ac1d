/** The pause after the first refusal, in milliseconds; it doubles with each one until a call is answered. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

interface Pace {
  /** Calls that may run at a time. */
  most: number;
  /** When calls of the queue may be leased again, by the monotonic clock. */
  until: number;
  /** Pauses since a call was answered. */
  pauses: number;
}

export interface Refusal {
  /** Calls of the queue under way, the refused one included. */
  readonly running: number;
  readonly retryAfterMs: number;
  /** Monotonic, as every time of this class. */
  readonly nowMs: number;
}

/**
 * How fast a worker takes calls of queues whose calls Skiff refused: a function at its limits, or a router that is away.
 * A refusal halves the calls at a time and pauses the queue; each answer adds one. Queues without refusals have no entry.
 */
export class QueuePaces {
  readonly #paces = new Map<string, Pace>();
  readonly #full: number;

  /** @param full calls of a queue at a time without refusals */
  constructor(full: number) {
    this.#full = full;
  }

  /** Returns the rest of the pause, after which the refused call may be tried again. */
  refused(queue: string, { running, retryAfterMs, nowMs }: Refusal): number {
    let pace = this.#paces.get(queue);
    if (pace === undefined) {
      pace = { most: this.#full, until: 0, pauses: 0 };
      this.#paces.set(queue, pace);
    }
    // Refusals of calls that were sent together are one.
    if (nowMs < pace.until) return pace.until - nowMs;
    const growingMs = Math.max(retryAfterMs, FIRST_PAUSE_MS * 2 ** Math.min(pace.pauses, 10));
    const pauseMs = Math.min(growingMs, LONGEST_PAUSE_MS);
    pace.until = nowMs + pauseMs;
    pace.pauses++;
    pace.most = Math.max(1, Math.floor(Math.min(pace.most, running) / 2));
    return pauseMs;
  }

  answered(queue: string): void {
    const pace = this.#paces.get(queue);
    if (pace === undefined) return;
    pace.pauses = 0;
    pace.most++;
    if (pace.most >= this.#full) this.#paces.delete(queue);
  }

  /** Queues that pause. */
  paused(nowMs: number): string[] {
    return [...this.#paces].filter(([, { until }]) => until > nowMs).map(([queue]) => queue);
  }

  /** The rest of the pause that ends first; undefined without one. */
  nextEndMs(nowMs: number): number | undefined {
    const rests = [...this.#paces.values()].map(({ until }) => until - nowMs).filter((rest) => rest > 0);
    return rests.length === 0 ? undefined : Math.min(...rests);
  }

  /** Queues of which fewer calls run at a time than of others. */
  *limits(): Iterable<readonly [queue: string, most: number]> {
    for (const [queue, { most }] of this.#paces) yield [queue, most];
  }
}
