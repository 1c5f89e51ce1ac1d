import { createRequire } from "node:module";
import type { Cron } from "croner";
import { closestWord } from "../../process/closest-word.ts";
import { parseDurationMs } from "../quantity.ts";

/** When a schedule is due. */
export interface CronRule {
  /** Returns the first time after `after`, both in milliseconds since 1970; undefined if there is none. */
  next(after: number): number | undefined;
}

export interface CronText {
  /** Five fields, six with seconds, a nickname such as `@hourly`, or `@every 90s`. */
  readonly cron: string;
  /** An IANA time zone; UTC by default. `@every` ignores it. */
  readonly timeZone?: string | undefined;
}

const require = createRequire(import.meta.url);

const NICKNAMES = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
const EVERY = "@every";
const FORMS = 'use five fields such as "0 3 * * *", six with seconds, @hourly, @daily or "@every 90s"';
const LEAST_EVERY_MS = 1_000;
const MOST_EVERY_MS = 366 * 86_400_000;
const MOST_CHARACTERS = 200;
/** Cron repeats itself after 28 years, so whether an expression ever fires does not depend on this time. */
const ANY_TIME = Date.UTC(2026, 0, 1);

/** Splits `TZ=Europe/Berlin 0 3 * * *`, as crontabs have it, into expression and time zone. */
export function splitZone(text: string): CronText {
  const [, timeZone, cron] = /^\s*(?:CRON_)?TZ=(\S+)\s+(.*)$/s.exec(text) ?? [];
  return cron === undefined ? { cron: text.trim() } : { cron: cron.trim(), timeZone };
}

/** Says what is wrong with an expression or its time zone, with a hint; undefined if it is valid. */
export function cronFault(text: CronText): string | undefined {
  const cron = text.cron.trim();
  const shown = JSON.stringify(cron.slice(0, 80));
  if (cron.length > MOST_CHARACTERS) return `${shown}… is over ${MOST_CHARACTERS} characters`;
  const zone = zoneFault(text.timeZone);
  if (zone !== undefined) return zone;
  if (cron.startsWith(EVERY)) return everyFault(cron, shown);
  if (cron.startsWith("@") && !NICKNAMES.includes(cron.toLowerCase())) {
    const meant = closestWord(cron, [...NICKNAMES, EVERY]);
    const hint = meant === undefined ? `; ${FORMS}` : ` (did you mean ${meant}?)`;
    return `${shown} is not a valid cron expression${hint}`;
  }
  // Croner also reads a date, which is a schedule that fires once.
  const fields = cron.split(/\s+/).length;
  if (!cron.startsWith("@") && fields !== 5 && fields !== 6) {
    return `${shown} has ${fields} ${fields === 1 ? "field" : "fields"}; ${FORMS}`;
  }
  try {
    if (cronerOf(text).nextRun(new Date(ANY_TIME)) !== null) return undefined;
    return `${shown} never fires; no year has such a day`;
  } catch (error) {
    const reason = (error as Error).message.replace(/^Cron(Pattern|Date): /, "");
    return `${shown} is not a valid cron expression (${reason}); ${FORMS}`;
  }
}

/**
 * Parses an expression that `cronFault` accepts.
 * @param anchor the time from which `@every` counts, in milliseconds since 1970
 */
export function parseCron(text: CronText, anchor: number): CronRule {
  const everyMs = parseEvery(text.cron.trim());
  if (everyMs !== undefined) return { next: (after) => nextMultiple(after, anchor, everyMs) };
  const cron = cronerOf(text);
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() };
}

/** Returns the first `count` times after `after`. */
export function nextTimes(rule: CronRule, after: number, count: number): number[] {
  const times: number[] = [];
  for (let at = rule.next(after); at !== undefined && times.length < count; at = rule.next(at)) {
    times.push(at);
  }
  return times;
}

function zoneFault(timeZone: string | undefined): string | undefined {
  if (timeZone === undefined || isZone(timeZone)) return undefined;
  const meant = closestWord(timeZone, Intl.supportedValuesOf("timeZone"));
  const hint = meant === undefined ? "; use an IANA name such as Europe/Berlin" : ` (did you mean ${meant}?)`;
  return `${JSON.stringify(timeZone.slice(0, 80))} is not a time zone${hint}`;
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function everyFault(cron: string, shown: string): string | undefined {
  const everyMs = parseEvery(cron);
  if (everyMs === undefined)
    return `${shown} has no valid interval; write it like "@every 90s" or "@every 1h30m"`;
  if (everyMs >= LEAST_EVERY_MS && everyMs <= MOST_EVERY_MS) return undefined;
  return `${shown} is out of range; use an interval from 1s to 366d`;
}

/** Parses `@every 90s` and `@every 1h30m` to milliseconds. */
function parseEvery(cron: string): number | undefined {
  const [, text] = /^@every\s+((?:\d{1,12}(?:\.\d{1,3})?(?:ms|s|m|h|d))+)$/.exec(cron) ?? [];
  const parts = text?.match(/[\d.]+[a-z]+/g)?.map((part) => parseDurationMs(part)!);
  return parts?.reduce((sum, part) => sum + part, 0);
}

function nextMultiple(after: number, anchor: number, everyMs: number): number {
  return anchor + (Math.floor((after - anchor) / everyMs) + 1) * everyMs;
}

/**
 * A time of day without wildcard that a change to summer time skips fires right after the gap, and one that occurs twice
 * fires the first time. Expressions with a wildcard or a step in it follow the clock: they skip the gap and fire both times.
 */
function cronerOf({ cron, timeZone = "UTC" }: CronText): Cron {
  // Most programs have no schedule, so the library is loaded with the first one.
  const croner = require("croner") as typeof import("croner");
  return new croner.Cron(cron, { timezone: timeZone, paused: true, fixedTimeRule: "no-wildcard" });
}
