import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../../../platform/problems.ts";
import { isConflict } from "./mirror-state.ts";

/** First and longest pause between attempts. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 8_000];

export interface RetryOptions {
  /** Ends pauses too. */
  readonly signal: AbortSignal;
  /** For how long after the first failure attempts begin. */
  readonly forMs: number;
}

/**
 * Runs `attempt` again, after growing pauses, while another manager changes the repository or no place for git is free.
 * @throws the error of the last attempt; the signal's reason
 */
export async function retryTransient<T>(
  attempt: () => Promise<T>,
  { signal, forMs }: RetryOptions,
): Promise<T> {
  let endMs: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      endMs ??= performance.now() + forMs;
      if (!isTransient(error) || performance.now() >= endMs) throw error;
    }
    // It rejects with an AbortError, whatever the reason of the signal is.
    await pause(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Whether an attempt failed only because of work that runs at the same time. */
export function isTransient(error: unknown): boolean {
  return isConflict(error) || (error instanceof Problem && error.code === "too_many_git");
}
