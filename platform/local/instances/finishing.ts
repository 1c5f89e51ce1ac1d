import { formatMs } from "../../quantity.ts";

/** Silence of an event loop after which an instance that is not wanted any more has no time left. */
export const BLOCKED_MS = 3_000;

export interface Finishing {
  /** Time since the instance left the endpoints. */
  readonly forMs: number;
  /** Time since its event loop gave a sign of life; at most `forMs`. */
  readonly silentMs: number;
  /** A router knows a call on it whose response has begun. */
  readonly hasStream: boolean;
  /** Time that the function's calls have until their response starts. */
  readonly timeoutMs: number;
  /** Silence after which a stream is ended. */
  readonly streamIdleMs: number;
}

/**
 * Why an instance that left the endpoints gets no more time; undefined while it may go on. One with a stream has the
 * time of a call and one silence of a stream; one with calls alone has the time of a call, while its event loop turns.
 */
export function overdue(input: Finishing): string | undefined {
  const { forMs, silentMs, hasStream, timeoutMs, streamIdleMs } = input;
  const graceMs = hasStream ? timeoutMs + streamIdleMs : timeoutMs;
  if (!hasStream && silentMs >= BLOCKED_MS) {
    return `was stopped: its event loop was blocked for ${formatMs(BLOCKED_MS)} after it was asked to finish`;
  }
  return forMs >= Math.max(graceMs, BLOCKED_MS)
    ? `was stopped: it had not finished ${formatMs(graceMs)} after it was asked to`
    : undefined;
}
