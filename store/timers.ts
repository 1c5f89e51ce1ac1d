import type { NewCall } from "./call.ts";
import type { NewEvent } from "./event.ts";

/** The next time of each schedule, and what became of the last ones. Times are milliseconds since 1970. */
export interface Timers {
  /**
   * Sets a timer whose `rule` is new or has changed. One with the same rule stays as it is, so that its phase and its next
   * time outlive restarts. Returns the timer as it is now.
   */
  set(timer: Timer): Promise<Timer>;
  get(name: string): Promise<Timer | undefined>;
  remove(name: string): Promise<void>;
  /** Timers that are due, at most `limit`, the oldest first, and when the next one after them is. */
  due(
    now: number,
    limit: number,
  ): Promise<{ readonly timers: readonly Timer[]; readonly nextDueAt: number | undefined }>;
  /**
   * Moves a timer from `dueAt` to `next` and stores what it fires, in one transaction. False if the timer is not at
   * `dueAt`: another manager has fired it, and nothing was stored.
   */
  fire(firing: Fire): Promise<boolean>;
  /** Firings of a timer, newest first, at most the last 1,000 or 30 days. */
  firings(
    name: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly Firing[]>;
}

export interface Timer {
  /** The schedule, such as `report`, or `fn/NAME/0` or `flow/NAME/0` for the first `cron` of a function or a flow. */
  readonly name: string;
  /** Expression, time zone and jitter as one text. */
  readonly rule: string;
  /** From which `@every` counts. */
  readonly anchor: number;
  /** The scheduled time, without jitter; undefined if it never fires again. */
  readonly dueAt: number | undefined;
  /** Jitter: the timer counts as due so much later than `dueAt`. */
  readonly delayMs: number;
}

export interface Fire {
  readonly name: string;
  readonly dueAt: number;
  readonly next: { readonly dueAt: number | undefined; readonly delayMs: number };
  readonly firings: readonly NewFiring[];
  readonly now: number;
}

export interface NewFiring {
  /** The scheduled time; with the name it happens once. */
  readonly at: number;
  readonly call?: NewCall | undefined;
  readonly event?: NewEvent | undefined;
  /** Nothing is fired while a call of an earlier firing is live; the outcome is `skipped` then. */
  readonly unlessLive?: boolean | undefined;
  /** Nothing is fired, and this is why: `missed`. */
  readonly outcome?: "missed" | undefined;
}

export interface Firing {
  readonly at: number;
  readonly firedAt: number;
  readonly outcome: "fired" | "skipped" | "missed";
  /** Id of the call, or of the event. */
  readonly call?: string | undefined;
  readonly event?: string | undefined;
}
