/** When a failed attempt of an asynchronous call is followed by another one. */
export interface RetryPolicy {
  /** Most attempts, the first included. */
  readonly attempts: number;
  /** The wait after the first attempt is a random time up to this one; it doubles with each attempt, up to 5 min. */
  readonly backoffMs: number;
  /** Age at which no further attempt starts, in milliseconds. */
  readonly maxAgeMs: number;
  /** Outcomes that are retried, such as `5xx`, `429`, `connection`. */
  readonly on: readonly string[];
}

/**
 * 408, 425, 429 and every 5xx; broken connections and missing answers are `connection`. Everything else that is no 2xx is
 * final: the same request would fail again (RFC 9110, section 15.5).
 */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 5,
  backoffMs: 1_000,
  maxAgeMs: 6 * 3_600_000,
  on: ["408", "425", "429", "5xx", "connection"],
};

/** Longest wait between two attempts, in milliseconds. */
export const MOST_BACKOFF_MS = 300_000;

/** A policy as people write it; what is absent comes from the function, then from `DEFAULT_RETRY`. */
export interface RetrySpec {
  readonly attempts?: number;
  /** Such as `1s`. */
  readonly backoff?: string;
  /** Such as `6h`. */
  readonly maxAge?: string;
  readonly on?: readonly string[];
}
