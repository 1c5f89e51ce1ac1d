import { parseDurationMs } from "../quantity.ts";
import {
  DEFAULT_RETRY,
  isRetryOutcome,
  MOST_RETRIED,
  RETRY_NUMBERS,
  type RetryPolicy,
  type RetrySpec,
} from "./retry-policy.ts";
import { type Check, duration, listOf, members, must, wholeNumber } from "./spec-check.ts";

const { attempts, backoffMs, maxAgeMs } = RETRY_NUMBERS;
const isOutcome = (value: unknown) => typeof value === "string" && isRetryOutcome(value);

/** Checks a `RetrySpec`. */
export const checkRetry: Check = members({
  attempts: wholeNumber(attempts.least, attempts.most),
  backoff: duration(backoffMs.least, backoffMs.most, "1s"),
  maxAge: duration(maxAgeMs.least, maxAgeMs.most, "6h"),
  on: listOf(
    must(isOutcome, 'a status from 400 to 599 as text such as "429", 4xx, 5xx or connection'),
    MOST_RETRIED,
  ),
});

/**
 * Completes a spec that `checkRetry` has accepted.
 * @param base what the spec leaves out: the policy of the function
 */
export function retryPolicyOf(spec: RetrySpec = {}, base: RetryPolicy = DEFAULT_RETRY): RetryPolicy {
  return {
    attempts: spec.attempts ?? base.attempts,
    backoffMs: spec.backoff === undefined ? base.backoffMs : parseDurationMs(spec.backoff)!,
    maxAgeMs: spec.maxAge === undefined ? base.maxAgeMs : parseDurationMs(spec.maxAge)!,
    on: spec.on ?? base.on,
  };
}
