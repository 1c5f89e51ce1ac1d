import { asProblem } from "./problem.ts";

/** One event: what it brings, and the position behind it. */
export interface Followed<T> {
  readonly id?: string;
  readonly item: T;
}

export interface FollowOptions<T> {
  /** Opens the stream behind a position, or from its beginning. */
  readonly open: (after: string | undefined) => AsyncIterable<Followed<T>>;
  readonly onItem: (item: T) => void;
  /** Called when the connection is lost, until it is open again. */
  readonly onLost: (error: unknown) => void;
  /** Whether it is over when Skiff works again. */
  readonly mayPass?: (error: unknown) => boolean;
  readonly signal: AbortSignal;
  /** Before another connection; longer after each failure in turn, up to 8 times. */
  readonly pauseMs?: number;
}

/**
 * Follows a stream until `signal`. After a lost connection it goes on behind the last event, so that none is missing and none
 * comes twice.
 * @throws what does not pass, such as that the function was removed
 */
export async function follow<T>(options: FollowOptions<T>): Promise<void> {
  const { open, onItem, onLost, mayPass = passes, signal, pauseMs = 500 } = options;
  let after: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const { id, item } of open(after)) {
        if (signal.aborted) return;
        after = id ?? after;
        failures = 0;
        onItem(item);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) throw error;
      onLost(error);
    }
    failures++;
    await pause(pauseMs * Math.min(8, failures), signal);
  }
}

function passes(error: unknown): boolean {
  const { status } = asProblem(error);
  // Somebody may sign in again.
  return status === 0 || status === 401 || status === 429 || status >= 500;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
