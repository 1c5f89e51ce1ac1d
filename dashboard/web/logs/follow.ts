import type { LogLine } from "./log-line.ts";

/** One event: a line, and the position behind it. */
export interface LineEvent {
  readonly id?: string;
  readonly line: LogLine;
}

export interface FollowOptions {
  /** Opens the stream behind a position, or from its beginning. */
  readonly open: (after: string | undefined) => AsyncIterable<LineEvent>;
  readonly onLine: (line: LogLine) => void;
  /** Called when the connection is lost, until it is open again. */
  readonly onLost: (error: unknown) => void;
  /** Whether it is over when Skiff works again. */
  readonly mayPass: (error: unknown) => boolean;
  readonly signal: AbortSignal;
  /** Before another connection; longer after each failure in turn, up to 8 times. */
  readonly pauseMs?: number;
}

/**
 * Follows lines until `signal`. After a lost connection it goes on behind the last line, so that none is missing and none
 * comes twice.
 * @throws what does not pass, such as that the function was removed
 */
export async function follow(options: FollowOptions): Promise<void> {
  const { open, onLine, onLost, mayPass, signal, pauseMs = 500 } = options;
  let after: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const { id, line } of open(after)) {
        if (signal.aborted) return;
        after = id ?? after;
        failures = 0;
        onLine(line);
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
