import { createHash } from "node:crypto";
import type { CronRule } from "../../platform/events/cron.ts";

/** What is due of a schedule. Times are milliseconds since 1970. */
export interface Plan {
  /** Times that fire, in their order. */
  readonly fire: readonly number[];
  /** A time at which nothing fires any more, because it is long past; the last of several. */
  readonly missed: number | undefined;
  readonly next: NextTime;
}

export interface NextTime {
  /** Undefined if the schedule never fires again. */
  readonly dueAt: number | undefined;
  /** Jitter. */
  readonly delayMs: number;
}

export interface PlanInput {
  readonly rule: CronRule;
  /** The time that the timer waits for. */
  readonly dueAt: number;
  readonly now: number;
  readonly name: string;
  readonly jitterMs: number;
  readonly missed: "skip" | "once" | "all";
}

/** A time is missed when it could not be fired for so long. */
const MISSED_MS = 60_000;
/** Most times that one plan fires of either kind. */
const MOST = 100;

/**
 * Decides what a timer fires. `once` fires the last time, so that nothing that was missed is fired if a later time is due
 * in time.
 */
export function planFirings({ rule, dueAt, now, missed, ...jitter }: PlanInput): Plan {
  const missedUntil = now - jitter.jitterMs - MISSED_MS;
  const late = lastTimes(rule, dueAt, missedUntil);
  const fire: number[] = [];
  let at = late.length > 0 ? rule.next(missedUntil) : (dueAt as number | undefined);
  while (at !== undefined && at + delayOf(at, jitter) <= now && fire.length < MOST) {
    fire.push(at);
    at = rule.next(at);
  }
  const next = { dueAt: at, delayMs: at === undefined ? 0 : delayOf(at, jitter) };
  if (missed === "all") return { fire: [...late, ...fire], missed: undefined, next };
  if (missed === "skip" || fire.length > 0) return { fire, missed: late.at(-1), next };
  return { fire: late.slice(-1), missed: late.at(-2), next };
}

/** Returns the first time of a timer that is set at `now`. */
export function firstTime(
  rule: CronRule,
  now: number,
  jitter: Pick<PlanInput, "name" | "jitterMs">,
): NextTime {
  const dueAt = rule.next(now);
  return { dueAt, delayMs: dueAt === undefined ? 0 : delayOf(dueAt, jitter) };
}

/** Every program computes the same delay of a time. */
function delayOf(at: number, { name, jitterMs }: Pick<PlanInput, "name" | "jitterMs">): number {
  if (jitterMs === 0) return 0;
  const part = createHash("sha256").update(`${name}@${at}`).digest().readUInt32BE() / 2 ** 32;
  return Math.floor(part * (jitterMs + 1));
}

/** Returns the last times from `from` to `until`, both included. After a year without a program, a rule has millions. */
function lastTimes(rule: CronRule, from: number, until: number): number[] {
  if (from > until) return [];
  for (let spanMs = MISSED_MS; ; spanMs *= 2) {
    const start = Math.max(from, until - spanMs);
    const times: number[] = [];
    for (let at = rule.next(start - 1); at !== undefined && at <= until; at = rule.next(at)) times.push(at);
    if (times.length >= MOST || start === from) return times.slice(-MOST);
  }
}
