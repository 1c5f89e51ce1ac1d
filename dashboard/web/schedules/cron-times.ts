import { Cron } from "croner";

export type CronCheck =
  | { readonly times: readonly number[]; readonly fault?: undefined }
  | { readonly fault: string };

const COUNT = 5;
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Returns the next times of an expression while somebody types it. The API has the last word: it checks once more when the
 * schedule is stored.
 */
export function checkCron(cron: string, timeZone: string, nowMs: number): CronCheck {
  const text = cron.trim();
  if (text === "") return { fault: "Write five fields, such as 0 3 * * *, @daily or @every 90s." };
  if (text.startsWith("@every")) return checkEvery(text, nowMs);
  const fields = text.split(/\s+/).length;
  // Croner also reads a date, which Skiff does not.
  if (!text.startsWith("@") && fields !== 5 && fields !== 6)
    return {
      fault: `It has ${fields} ${fields === 1 ? "field" : "fields"}: write five, or six with seconds.`,
    };
  try {
    const rule = new Cron(text, { timezone: timeZone || "UTC", paused: true, fixedTimeRule: "no-wildcard" });
    const times = rule.nextRuns(COUNT, new Date(nowMs)).map((time) => time.getTime());
    return times.length === 0 ? { fault: "It never fires: no year has such a day." } : { times };
  } catch (error) {
    return { fault: (error as Error).message.replace(/^Cron(Pattern|Date): /, "") };
  }
}

/** An interval counts from the creation of the schedule: for a new one, from now. */
function checkEvery(text: string, nowMs: number): CronCheck {
  const [, interval] = /^@every\s+((?:\d{1,12}(?:\.\d{1,3})?(?:ms|s|m|h|d))+)$/.exec(text) ?? [];
  const parts = interval?.match(/[\d.]+[a-z]+/g) ?? [];
  const everyMs = parts.reduce((sum, part) => {
    const [, value, unit] = /^([\d.]+)([a-z]+)$/.exec(part)!;
    return sum + Number(value) * UNITS_MS[unit!]!;
  }, 0);
  if (everyMs < 1_000 || everyMs > 366 * UNITS_MS.d!)
    return { fault: "Write an interval from 1s to 366d, such as @every 90s or @every 1h30m." };
  return { times: Array.from({ length: COUNT }, (_, index) => nowMs + (index + 1) * everyMs) };
}
