import type { Meter } from "../evaluation/meter.ts";
import { type Duration, describe } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";
import { type Functions, meteredRow, row, type Signature } from "./signature.ts";

/** Members of a timestamp in UTC, or in a time zone such as `Europe/Berlin`. As in CEL months, days of the month and weekdays count from 0. */
export const TIMESTAMP_METHODS: Functions = {
  getFullYear: member((date) => date.getUTCFullYear()),
  getMonth: member((date) => date.getUTCMonth()),
  getDate: member((date) => date.getUTCDate()),
  getDayOfMonth: member((date) => date.getUTCDate() - 1),
  getDayOfWeek: member((date) => date.getUTCDay()),
  getDayOfYear: member(dayOfYear),
  getHours: [
    ...member((date) => date.getUTCHours()),
    row("duration", "number", (duration: Duration) => Math.trunc(duration.ms / 3_600_000)),
  ],
  getMinutes: [
    ...member((date) => date.getUTCMinutes()),
    row("duration", "number", (duration: Duration) => Math.trunc(duration.ms / 60_000)),
  ],
  getSeconds: [
    ...member((date) => date.getUTCSeconds()),
    row("duration", "number", (duration: Duration) => Math.trunc(duration.ms / 1000)),
  ],
  getMilliseconds: [
    ...member((date) => date.getUTCMilliseconds()),
    row("duration", "number", (duration: Duration) => Math.trunc(duration.ms)),
  ],
};

function member(read: (date: Date) => number): Signature[] {
  return [
    row("timestamp", "number", read),
    meteredRow("timestamp, text", "number", (date: Date, zone: string, meter: Meter) =>
      read(inZone(date, zone, meter)),
    ),
  ];
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start) / 86_400_000);
}

/** A date whose members in UTC are those of `date` in the zone. */
function inZone(date: Date, timeZone: string, meter: Meter): Date {
  // Making a format takes about as long as a thousand parts of an expression.
  meter.spend(2000);
  const parts = Object.fromEntries(
    formatIn(timeZone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, date.getUTCMilliseconds()));
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US-u-ca-iso8601", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw new ExpressionFault(`${describe(timeZone)} is not a time zone such as \`Europe/Berlin\`.`);
  }
}
