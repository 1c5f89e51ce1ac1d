import type { WakeMs } from "../../platform/usage/exchange.ts";
import type { SeriesQuery, UsageStep } from "../store.ts";
import { type Row, read, type Work } from "./work.ts";

// SQLite binds numbers as reals.
const STEP = "minute / CAST($4 AS INTEGER) AS step";
const WHERE = `WHERE "function" = ANY($1) AND minute >= $2 AND minute < $3`;

/** Sums the minutes of functions by version and step. Steps in which nothing was counted are absent. */
export function* usageSeries({ functions, since, until, stepMs }: SeriesQuery): Work<readonly UsageStep[]> {
  const range = [functions, since.getTime(), until.getTime(), stepMs] as const;
  const sums = yield read(
    `SELECT "function", version, ${STEP}, SUM(calls) AS calls, SUM(errors) AS errors, MAX(buckets) AS buckets,
       SUM(cold_starts) AS cold_starts, SUM(refused) AS refused
     FROM usage_minutes ${WHERE} GROUP BY "function", version, step ORDER BY "function", step, version`,
    ...range,
  );
  const durations = yield read(
    `SELECT "function", version, ${STEP}, bucket, SUM(calls) AS calls
     FROM usage_durations ${WHERE} GROUP BY "function", version, step, bucket`,
    ...range,
  );
  const wakes = yield read(
    `SELECT "function", version, ${STEP}, name, SUM(ms) AS ms
     FROM usage_wakes ${WHERE} GROUP BY "function", version, step, name`,
    ...range,
  );
  const keyOf = (row: Row) => `${row.function} ${row.version} ${row.step}`;
  const [buckets, steps] = [Map.groupBy(durations, keyOf), Map.groupBy(wakes, keyOf)];
  return sums.map((row) => {
    const counts = new Array<number>(Number(row.buckets)).fill(0);
    for (const { bucket, calls } of buckets.get(keyOf(row)) ?? []) counts[Number(bucket)] = Number(calls);
    const wake = (steps.get(keyOf(row)) ?? []).map(({ name, ms }) => [name, Number(ms)]);
    return {
      from: new Date(Number(row.step) * stepMs),
      function: row.function as string,
      version: Number(row.version),
      calls: Number(row.calls),
      errors: Number(row.errors),
      durations: counts,
      coldStarts: Number(row.cold_starts),
      refused: Number(row.refused),
      wakeMs: Object.fromEntries(wake) as WakeMs,
    };
  });
}
