import type { SeriesQuery, UsageStep } from "../store.ts";
import { read, type Work } from "./work.ts";

/** Sums the minutes of functions by version and step. Steps without calls are absent. */
export function* usageSeries({ functions, since, until, stepMs }: SeriesQuery): Work<readonly UsageStep[]> {
  const range = [functions, since.getTime(), until.getTime(), stepMs] as const;
  const where = `WHERE "function" = ANY($1) AND minute >= $2 AND minute < $3`;
  // SQLite binds numbers as reals.
  const step = "minute / CAST($4 AS INTEGER) AS step";
  const sums = yield read(
    `SELECT "function", version, ${step}, SUM(calls) AS calls, SUM(errors) AS errors, MAX(buckets) AS buckets
     FROM usage_minutes ${where} GROUP BY "function", version, step ORDER BY "function", step, version`,
    ...range,
  );
  const durations = yield read(
    `SELECT "function", version, ${step}, bucket, SUM(calls) AS calls
     FROM usage_durations ${where} GROUP BY "function", version, step, bucket`,
    ...range,
  );
  const keyOf = (row: Readonly<Record<string, unknown>>) => `${row.function} ${row.version} ${row.step}`;
  const buckets = Map.groupBy(durations, keyOf);
  return sums.map((row) => {
    const counts = new Array<number>(Number(row.buckets)).fill(0);
    for (const { bucket, calls } of buckets.get(keyOf(row)) ?? []) counts[Number(bucket)] = Number(calls);
    return {
      from: new Date(Number(row.step) * stepMs),
      function: row.function as string,
      version: Number(row.version),
      calls: Number(row.calls),
      errors: Number(row.errors),
      durations: counts,
    };
  });
}
