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

/**
 * Of deliveries and callbacks, whose receivers may be away for minutes: 11 waits of 12 min on average, and of at most 23.5 min
 * together.
 */
export const DELIVERY_RETRY: RetryPolicy = { ...DEFAULT_RETRY, attempts: 12, backoffMs: 2_000 };

/** Longest wait between two attempts, in milliseconds. */
export const MOST_BACKOFF_MS = 300_000;

/** A policy as people write it; what is absent comes from the function, then from the defaults. */
export interface RetrySpec {
  readonly attempts?: number;
  /** Such as `1s`. */
  readonly backoff?: string;
  /** Such as `6h`. */
  readonly maxAge?: string;
  readonly on?: readonly string[];
}

/** The parts of a policy that somebody has set. */
export type RetrySettings = Partial<RetryPolicy>;

/** The numbers of a policy with their ranges. Records of calls are kept for 7 days, so no call can be older. */
export const RETRY_NUMBERS = {
  attempts: { least: 1, most: 100 },
  backoffMs: { least: 0, most: MOST_BACKOFF_MS },
  maxAgeMs: { least: 1_000, most: 168 * 3_600_000 },
} as const satisfies Partial<Record<keyof RetryPolicy, { least: number; most: number }>>;

/** Most entries of `on`. */
export const MOST_RETRIED = 50;

/** Whether `on` may have this entry: a status such as `429`, all of `4xx` or `5xx`, or `connection`. */
export function isRetryOutcome(text: string): boolean {
  return /^(?:[45]\d\d|[45]xx|connection)$/.test(text);
}

/** Returns a whole policy: the first of `parts` that sets a member has it, then `DEFAULT_RETRY`. */
export function retryPolicy(...parts: readonly (RetrySettings | undefined)[]): RetryPolicy {
  return Object.assign({}, DEFAULT_RETRY, ...parts.toReversed());
}
