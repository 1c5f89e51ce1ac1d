import type { RetrySpec } from "./retry-policy.ts";

/** The spec of a `Schedule` declaration. */
export interface ScheduleSpec {
  /** Five fields, six with seconds, `@hourly` and the like, or `@every 90s`. */
  readonly cron: string;
  /** An IANA time zone; UTC by default. */
  readonly timeZone?: string;
  /** Exactly one of the three. */
  readonly call?: ScheduledCall;
  readonly event?: ScheduledEvent;
  readonly run?: ScheduledRun;
  /** What happens at a firing while a call, or a run, of an earlier one is not finished; `skip` by default. */
  readonly overlap?: "skip" | "queue" | "allow";
  /** What happens with times at which nothing ran: `once` (default) fires the last one, `all` at most the last 100. */
  readonly missed?: "skip" | "once" | "all";
  /** Each firing is late by a time up to this one, such as `30s`, which is the same for every manager. */
  readonly jitter?: string;
  readonly paused?: boolean;
}

export interface ScheduledCall {
  readonly function: string;
  /** POST by default. */
  readonly method?: string;
  /** `/` by default. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text; an object or list is sent as JSON. */
  readonly body?: unknown;
  readonly retry?: RetrySpec;
}

export interface ScheduledEvent {
  readonly topic: string;
  /** `dev.skiff.schedule` by default. */
  readonly type?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly data?: unknown;
}

export interface ScheduledRun {
  readonly flow: string;
  /** A text is sent as it is, everything else as JSON; `{}` by default. */
  readonly input?: unknown;
}
