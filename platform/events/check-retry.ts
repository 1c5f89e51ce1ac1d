import { parseDurationMs } from "../quantity.ts";
import { DEFAULT_RETRY, MOST_BACKOFF_MS, type RetryPolicy, type RetrySpec } from "./retry-policy.ts";
import { type Check, duration, listOf, members, text, wholeNumber } from "./spec-check.ts";

export const MOST_ATTEMPTS = 100;
/** Greatest age of an asynchronous call at which an attempt may start, in milliseconds. */
export const MOST_AGE_MS = 7 * 86_400_000;

/** An outcome that can be retried. */
export const RETRIED = /^([45]\d\d|4xx|5xx|connection)$/;
export const RETRIED_RULE = "a status from 400 to 599, 4xx, 5xx or connection";

/** Checks a `RetrySpec`. */
export const checkRetry: Check = members({
  attempts: wholeNumber(1, MOST_ATTEMPTS),
  backoff: duration(0, MOST_BACKOFF_MS, "1s"),
  maxAge: duration(1_000, MOST_AGE_MS, "6h"),
  on: listOf(text(RETRIED, RETRIED_RULE), 50),
});

/**
 * Completes a spec that `checkRetry` has accepted.
 * @param base what the spec leaves out: the policy of the function
 */
export function retryPolicyOf(spec: RetrySpec = {}, base: RetryPolicy = DEFAULT_RETRY): RetryPolicy {
  const { attempts, backoff, maxAge, on } = spec;
  return {
    attempts: attempts ?? base.attempts,
    backoffMs: backoff === undefined ? base.backoffMs : parseDurationMs(backoff)!,
    maxAgeMs: maxAge === undefined ? base.maxAgeMs : parseDurationMs(maxAge)!,
    on: on ?? base.on,
  };
}
