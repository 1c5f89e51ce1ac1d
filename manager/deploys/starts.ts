import { FastLane } from "../../process/fast-lane.ts";
import { type Attempt, SlowLane } from "../../process/slow-lane.ts";

/** Starts of versions at a time. Slow ones mostly wait, for a pod or for the code of the function. */
const PLACES = 16;
const FAST_MS = 400;
const SLOW_PLACES = 32;

/** Bounds how many versions start at a time. */
export class Starts {
  readonly #lane: FastLane;

  /** @param most most starts that wait */
  constructor(most: number) {
    this.#lane = new FastLane({
      places: PLACES,
      mostMs: FAST_MS,
      contendedMs: FAST_MS,
      mostBytes: Number.POSITIVE_INFINITY,
      waiting: { most, refusal: () => new Error("more starts wait than there are deploys") },
      slow: new SlowLane({ places: SLOW_PLACES, bytes: Number.POSITIVE_INFINITY }),
    });
  }

  /** @throws the error of `start`; the signal's reason if it aborts while the start waits */
  async run<T extends object>(
    start: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T & { readonly startMs: number }> {
    const startedAt = performance.now();
    const result = await this.#lane.run(() => attemptOf(start()), { signal });
    return { ...result, startMs: performance.now() - startedAt };
  }
}

/** A start is work of the platform, so it cannot be slowed down or evicted. */
function attemptOf<T>(done: Promise<T>): Attempt<T> {
  const startedAtMs = performance.now();
  return { done, bytes: () => 0, workedMs: () => performance.now() - startedAtMs, slowDown: () => {} };
}
