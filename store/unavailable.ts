import { Problem } from "../platform/problems.ts";

const RETRY_AFTER_S = 2;

/** @param why what keeps the store away, without a password */
export function storeUnavailable(why: string, cause?: unknown): Problem {
  const detail = `The store cannot be reached: ${why}. Try again in ${RETRY_AFTER_S} s.`;
  return Object.assign(new Problem("store_unavailable", detail, { retryAfterS: RETRY_AFTER_S }), { cause });
}
